import {
  AccessDatabase,
  createKey,
  createLedger,
  createOrganization,
  deleteKey,
  keyIdOf,
  listAuditLog,
  listKeys,
  listLedgers,
  listOrganizations,
  operatorOf,
  presentAuditEntry,
  presentKey,
  presentLedger,
  presentOrganization,
  rotateKey,
  scopes,
  updateKey,
} from '#access';
import { decodeTypeId } from '#contracts';
import { ApiError, DtoPipe } from '#http';
import { beginJournal } from '#journal';
import { pageLimitMax, type Page, type PageRequest } from '#platform';
import {
  CreateKeyBody,
  draftOf,
  RotateKeyBody,
  UpdateKeyBody,
} from '../../apps/ledger/src/api-keys/key-bodies.js';
import {
  CreateLedgerBody,
  CreateOrganizationBody,
} from '../../apps/ledger/src/organizations/organization-bodies.js';
import { CannotStart } from '../start/cannot-start.js';
import { readAccessSettings } from './config.js';
import { argumentsOf, optionsOf, type Commands } from './commands.js';

/** As the audit log names whoever works here. */
const actor = 'cli';

/**
 * What an operator does without the API, checked by its rules and through the functions behind it. What is made or
 * listed is printed as the API shows it: one JSON object per line.
 */
export const accessCommands: Commands = {
  'org create': {
    usage: '<name>',
    run: async (args) => {
      const [name] = argumentsOf(args, ['name']);
      const body = checked(CreateOrganizationBody, { name });
      await withAccess(async (access) =>
        print(presentOrganization(await createOrganization(access, actor, body.name))),
      );
    },
  },
  'org list': {
    usage: '',
    run: async (args) => {
      argumentsOf(args, []);
      await withAccess((access) => printAll((page) => listOrganizations(access, page), presentOrganization));
    },
  },
  'ledger create': {
    usage: '<org_…> <name> --mode live|test',
    run: async (args) => {
      const { values, positionals } = optionsOf(args, ['org_…', 'name'], { mode: { type: 'string' } });
      const organizationId = idOf('org', positionals[0]);
      const body = checked(CreateLedgerBody, { name: positionals[1], mode: values.mode });
      await withAccess(async (access) => {
        const { ledger, key, secret } = await createLedger(access, beginJournal, actor, organizationId, body);
        print({ ...presentLedger(ledger), apiKey: { id: keyIdOf(key.id), secret } });
      });
    },
  },
  'ledger list': {
    usage: '[--org org_…]',
    run: async (args) => {
      const { values } = optionsOf(args, [], { org: { type: 'string' } });
      const organizationId = values.org === undefined ? null : idOf('org', values.org);
      await withAccess((access) =>
        printAll((page) => listLedgers(access, organizationId, page), presentLedger),
      );
    },
  },
  'key create': {
    usage:
      '<ldg_…> <name> --scope <scope> … [--owner <id>] [--rate-limit <requests a minute>|none] [--signing] [--expires <time>]',
    run: async (args) => {
      const { values, positionals } = optionsOf(args, ['ldg_…', 'name'], {
        scope: { type: 'string', multiple: true },
        owner: { type: 'string' },
        'rate-limit': { type: 'string' },
        signing: { type: 'boolean' },
        expires: { type: 'string' },
      });
      const ledgerId = idOf('ldg', positionals[0]);
      const given = {
        name: positionals[1],
        scopes: scopesOf(values.scope),
        ownerId: values.owner,
        rateLimitPerMinute: limitOf(values['rate-limit']),
        signing: values.signing === true ? 'required' : 'none',
        expiresAt: values.expires,
      };
      const draft = draftOf(checked(CreateKeyBody, given));
      await withAccess(async (access) => {
        const { key, secret } = await createKey(access, operatorOf(ledgerId, actor), draft);
        print({ ...presentKey(key), secret });
      });
    },
  },
  'key list': {
    usage: '<ldg_…>',
    run: async (args) => {
      const ledgerId = idOf('ldg', argumentsOf(args, ['ldg_…'])[0]);
      await withAccess((access) => printAll((page) => listKeys(access, ledgerId, page), presentKey));
    },
  },
  'key update': {
    usage:
      '<ldg_…> <key_…> [--name <name>] [--scope <scope> …] [--rate-limit <requests a minute>|none] [--expires <time>|never]',
    run: async (args) => {
      const { values, positionals } = optionsOf(args, ['ldg_…', 'key_…'], {
        name: { type: 'string' },
        scope: { type: 'string', multiple: true },
        'rate-limit': { type: 'string' },
        expires: { type: 'string' },
      });
      const [ledgerId, keyId] = [idOf('ldg', positionals[0]), idOf('key', positionals[1])];
      const changes = checked(UpdateKeyBody, {
        name: values.name,
        scopes: scopesOf(values.scope),
        rateLimitPerMinute: limitOf(values['rate-limit']),
        expiresAt: values.expires === 'never' ? null : values.expires,
      });
      await withAccess(async (access) =>
        print(presentKey(await updateKey(access, operatorOf(ledgerId, actor), keyId, changes))),
      );
    },
  },
  'key rotate': {
    usage: '<ldg_…> <key_…> --overlap-seconds <how long the old secret works on>',
    run: async (args) => {
      const names = ['ldg_…', 'key_…'];
      const { values, positionals } = optionsOf(args, names, { 'overlap-seconds': { type: 'string' } });
      const [ledgerId, keyId] = [idOf('ldg', positionals[0]), idOf('key', positionals[1])];
      const body = checked(RotateKeyBody, { overlapSeconds: numberOf(values['overlap-seconds']) });
      await withAccess(async (access) => {
        const giver = operatorOf(ledgerId, actor);
        const { key, secret } = await rotateKey(access, giver, keyId, body.overlapSeconds);
        print({ ...presentKey(key), secret });
      });
    },
  },
  'key delete': {
    usage: '<ldg_…> <key_…>',
    run: async (args) => {
      const [ledger, key] = argumentsOf(args, ['ldg_…', 'key_…']);
      const [ledgerId, keyId] = [idOf('ldg', ledger), idOf('key', key)];
      await withAccess((access) => deleteKey(access, operatorOf(ledgerId, actor), keyId));
      console.log(`${key} and all its secrets have ended.`);
    },
  },
  'audit list': {
    usage: '<ldg_…>',
    run: async (args) => {
      const ledgerId = idOf('ldg', argumentsOf(args, ['ldg_…'])[0]);
      const filters = { createdAt: {} };
      await withAccess((access) =>
        printAll((page) => listAuditLog(access, ledgerId, filters, page), presentAuditEntry),
      );
    },
  },
};

function scopesOf(given: string[] | undefined): readonly string[] | undefined {
  return given?.includes('all') ? [...scopes] : given;
}

function limitOf(given: string | undefined): number | string | null | undefined {
  return given === 'none' ? null : numberOf(given);
}

async function withAccess(work: (access: AccessDatabase) => Promise<void>): Promise<void> {
  const access = await AccessDatabase.connect({ ...readAccessSettings(), applicationName: 'ledger-cli' });
  try {
    await work(access);
  } catch (error) {
    throw error instanceof ApiError ? new CannotStart(`Nothing was changed: ${error.message}.`) : error;
  } finally {
    await access.close();
  }
}

/** By the rules of the API; what is undefined was not given. */
function checked<Body extends object>(body: new () => Body, fields: object): Body {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  try {
    const pipe = new DtoPipe();
    return pipe.transform(Object.fromEntries(given), { type: 'body', metatype: body }) as Body;
  } catch (error) {
    throw error instanceof ApiError ? new CannotStart(`${error.message}.`) : error;
  }
}

function idOf(prefix: 'org' | 'ldg' | 'key', text = ''): string {
  const uuid = decodeTypeId(prefix, text);
  if (uuid === null) throw new CannotStart(`"${text}" is not an id that begins with ${prefix}_.`);
  return uuid;
}

/** What is no number stays as it is, for the rules to refuse. */
function numberOf(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : text;
}

async function printAll<Row>(
  list: (page: PageRequest) => Promise<Page<Row>>,
  present: (row: Row) => object,
): Promise<void> {
  let cursor: string | null = null;
  do {
    const number: number | null = cursor === null ? 1 : null;
    const page: Page<Row> = await list({ limit: pageLimitMax, number, cursor, wantsTotal: false });
    for (const row of page.items) print(present(row));
    cursor = page.nextCursor;
  } while (cursor !== null);
}

function print(shown: object): void {
  console.log(JSON.stringify(shown));
}
