/** What is asked of those who administer, and what may come of it. */
import type { Fields } from '../bodies.js';
import type { AccessBooks, Span } from './records.js';

export interface AccessRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly span: Span;
  /** When it was judged, in ms. */
  readonly now: number;
  /** What only the product can choose, such as ids and secrets: as its answer shows it. */
  readonly chosen: Fields;
  /** Of the cursor that it names, if anybody was given that. */
  readonly cursor: AccessCursor | undefined;
  /** Of the audit log of a ledger, the oldest entry first, what the product chose; nothing where nobody knows. */
  readonly entryChosen: (ledgerId: string, number: number) => EntryChosen | undefined;
}

export interface EntryChosen {
  readonly id: string;
  readonly createdAt: string;
}

export interface AccessCursor {
  readonly list: string;
  readonly filters: string;
  /** The rows before it, of all that there have been. */
  readonly before: number;
}

export interface Decision {
  readonly status: number;
  readonly body: unknown;
  /** Of whoever asked, as each of their answers tells it; absent where there is none to tell. */
  readonly rateLimit?: number;
  /** Where the page that it shows ends; absent where there is no next one. */
  readonly next?: AccessCursor;
  /** Makes it so. */
  readonly take?: (books: AccessBooks) => void;
}

export const textChosen = ({ chosen }: AccessRequest, field: string): string => {
  const value = chosen[field];
  return typeof value === 'string' ? value : '';
};
