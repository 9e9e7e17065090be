/** What the operator of the service does: organizations, and ledgers of theirs with a first key each. */
import { fieldsOf, isPlainObject, oneOf, textOf } from '../bodies.js';
import { refuse, refuseIf } from '../refusals.js';
import { addKey, newKey, rateLimitDefaults } from './keys.js';
import { pageDraft } from '../page-parameters.js';
import { typeId } from '../type-ids.js';
import { checkCursor, page } from './pages.js';
import { scopesOfKeys, type AccessBooks, type LedgerRecord, type OrganizationRecord } from './records.js';
import { textChosen, type AccessRequest, type Decision } from './requests.js';

const organizationId = typeId('org');
const operator = 'operator';

export function createOrganization(request: AccessRequest): Decision {
  const name = textOf(fieldsOf(request.body, ['name'])['name']);
  const made = { id: textChosen(request, 'id'), name, createdAt: textChosen(request, 'createdAt') };
  return { status: 201, body: { data: made }, take: ({ organizations }) => organizations.push(made) };
}

export function listOrganizations({ organizations }: AccessBooks, request: AccessRequest): Decision {
  const draft = pageDraft(request.query);
  checkCursor(request, 'organizations');
  return page(request, draft, 'organizations', {
    rows: organizations,
    isShown: () => true,
    show: (organization) => organization,
  });
}

export function getOrganization(books: AccessBooks, request: AccessRequest): Decision {
  return { status: 200, body: { data: organizationNamed(books, request) } };
}

function organizationNamed({ organizations }: AccessBooks, { path }: AccessRequest): OrganizationRecord {
  const id = path.split('/')[3]!;
  refuseIf(!organizationId.test(id), 'not_found');
  return organizations.find((organization) => organization.id === id) ?? refuse('not_found');
}

const shownLedger = ({ id, name, mode, createdAt }: LedgerRecord) => ({ id, name, mode, createdAt });

export function createLedger(books: AccessBooks, request: AccessRequest): Decision {
  const body = fieldsOf(request.body, ['name', 'mode']);
  const [name, mode] = [textOf(body['name']), oneOf(body['mode'], ['live', 'test'])];
  const organization = organizationNamed(books, request);
  const { apiKey } = request.chosen;
  const { id: keyId = '', secret = '' } = (isPlainObject(apiKey) ? apiKey : {}) as Record<string, string>;
  const ledger: LedgerRecord = {
    id: textChosen(request, 'id'),
    organizationId: organization.id,
    name,
    mode,
    createdAt: textChosen(request, 'createdAt'),
    keys: [],
    accounts: [],
    auditLog: [],
  };
  return {
    status: 201,
    body: { data: { ...shownLedger(ledger), apiKey: { id: keyId, secret } } },
    take: (taken) => {
      taken.ledgers.push(ledger);
      const details = { organization: organization.id, after: { name, mode } };
      ledger.auditLog.push({ actor: operator, action: 'ledger.created', subject: ledger.id, details });
      addKey(taken, firstKey(ledger, keyId), secret, operator);
    },
  };
}

function firstKey(ledger: LedgerRecord, id: string) {
  const settings = {
    name: 'First key',
    scopes: scopesOfKeys,
    ownerId: null,
    rateLimitPerMinute: rateLimitDefaults[ledger.mode]!,
    signing: 'none',
    expiresAt: null,
  };
  return newKey(ledger, id, settings, ledger.createdAt);
}

export function listLedgers(books: AccessBooks, request: AccessRequest): Decision {
  const draft = pageDraft(request.query);
  const id = request.path.split('/')[3]!;
  // Nobody has a cursor of what can't be.
  refuseIf(!organizationId.test(id), 'not_found');
  const list = `ledgers ${id}`;
  checkCursor(request, list);
  const { id: organization } = organizationNamed(books, request);
  return page(request, draft, list, {
    rows: books.ledgers,
    isShown: (ledger) => ledger.organizationId === organization,
    show: shownLedger,
  });
}
