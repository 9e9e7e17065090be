import pg from 'pg';
import { CannotStart, messageOf } from '../start/cannot-start.js';
import { parsePostgresUrl, withUser } from './postgres-url.js';

const VERSION_MIN = 15;
const STARTING_SECONDS_MAX = 30;
const IDENTIFIER_BYTES_MAX = 63;

/** A role that an app logs in as. */
export interface Login {
  readonly role: string;
  readonly url: string;
}

/** Connects as the owner, and refuses a server that the migrations don't run on. */
export async function connectAsOwner(ownerUrl: string): Promise<pg.Client> {
  const client = await connectWhenStarted(ownerUrl);
  const { rows } = await client.query<{ server_version_num: string }>('SHOW server_version_num');
  const major = Math.floor(Number(rows[0]?.server_version_num) / 10_000);
  if (major >= VERSION_MIN) return client;
  await client.end();
  throw new CannotStart(`DATABASE_URL leads to Postgres ${major}; the ledger needs ${VERSION_MIN} or newer.`);
}

/** An app's login whose URL was given: made when missing, else used as it is. */
export async function givenLogin(owner: pg.Client, name: string, url: string): Promise<Login> {
  const { user: role, password } = parsePostgresUrl(name, url);
  if (!(await roleExists(owner, role))) {
    if (password === '')
      throw new CannotStart(`${name} has no password, and its role ${role} does not exist yet.`);
    await createLoginRole(owner, role, password);
  }
  return { role, url };
}

/** An app's login of our own making: `<database>_<app>`, with a password that the caller keeps. */
export async function ownLogin(
  owner: pg.Client,
  ownerUrl: string,
  app: string,
  password: string,
): Promise<Login> {
  const role = `${parsePostgresUrl('DATABASE_URL', ownerUrl).database}_${app}`;
  if (Buffer.byteLength(role) > IDENTIFIER_BYTES_MAX) {
    const variable = `${app.toUpperCase()}_DATABASE_URL`;
    throw new CannotStart(
      `The name ${role} is too long for a role of Postgres: set ${variable} with another.`,
    );
  }
  const url = withUser(ownerUrl, role, password);
  if (!(await roleExists(owner, role))) await createLoginRole(owner, role, password);
  // Only when needed: another start with the same password may be running.
  else if (!(await canLogIn(url))) await changePassword(owner, role, password);
  return { role, url };
}

export async function createLoginRole(client: pg.Client, role: string, password: string): Promise<void> {
  const name = pg.escapeIdentifier(role);
  const options = `LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD ${pg.escapeLiteral(password)}`;
  try {
    await client.query(`CREATE ROLE ${name} ${options}`);
  } catch (error) {
    // Somebody else has made it at the same moment.
    if (isCode(error, '42710', '23505')) return;
    throw refusalOf(error, role);
  }
}

async function changePassword(client: pg.Client, role: string, password: string): Promise<void> {
  try {
    await client.query(
      `ALTER ROLE ${pg.escapeIdentifier(role)} LOGIN PASSWORD ${pg.escapeLiteral(password)}`,
    );
  } catch (error) {
    throw refusalOf(error, role);
  }
}

export async function roleExists(client: pg.Client, role: string): Promise<boolean> {
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
  return rowCount === 1;
}

async function canLogIn(url: string): Promise<boolean> {
  const client = newClient(url);
  try {
    await client.connect();
    return true;
  } catch (error) {
    if (isCode(error, '28P01', '28000')) return false;
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function connectWhenStarted(url: string): Promise<pg.Client> {
  const deadline = Date.now() + STARTING_SECONDS_MAX * 1000;
  for (;;) {
    const client = newClient(url);
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      if (!isCode(error, '57P03') || Date.now() > deadline) {
        throw new CannotStart(`DATABASE_URL can't be used: ${messageOf(error)}.`);
      }
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

function newClient(url: string): pg.Client {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  // A connection lost between two queries is reported by the next query.
  client.on('error', () => undefined);
  return client;
}

function refusalOf(error: unknown, role: string): unknown {
  if (!isCode(error, '42501')) return error;
  return new CannotStart(
    `The user of DATABASE_URL may not make or change the role ${role} (${messageOf(error)}): let it (ALTER ROLE … ` +
      'CREATEROLE), or make the roles yourself and set LEDGER_DATABASE_URL and DISPATCHER_DATABASE_URL.',
  );
}

function isCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes((error as { code?: string }).code ?? '');
}
