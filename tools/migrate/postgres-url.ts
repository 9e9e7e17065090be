import { CannotStart } from '../start/cannot-start.js';

export interface PostgresUrl {
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

const FORM = 'postgres://user:password@host:port/database';

/** Only the long form is accepted: a part left out would be filled from the surroundings, differently per app. */
export function parsePostgresUrl(name: string, value: string): PostgresUrl {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const parts = {
    user: decode(url?.username),
    password: decode(url?.password),
    database: decode(url?.pathname.slice(1)),
  };
  const isPostgres = url?.protocol === 'postgres:' || url?.protocol === 'postgresql:';
  const namesUserTwice = url?.searchParams.has('user') === true || url?.searchParams.has('password') === true;
  if (isPostgres && url?.host !== '' && parts.user !== '' && parts.database !== '' && !namesUserTwice)
    return parts;
  throw new CannotStart(`${name} must be a URL of the form ${FORM}.`);
}

/** The same server and database, as somebody else. */
export function withUser(value: string, user: string, password: string): string {
  const url = new URL(value);
  url.username = encodeURIComponent(user);
  url.password = encodeURIComponent(password);
  return url.href;
}

function decode(part: string | undefined): string {
  try {
    return decodeURIComponent(part ?? '');
  } catch {
    return '';
  }
}
