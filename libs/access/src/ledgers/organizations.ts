import { encodeTypeId } from '#contracts';
import { ApiError } from '#http';
import { formatTimestamp, microsSql, newUuid, type Page, type PageRequest } from '#platform';
import type { AccessDatabase, Database } from '../access-database.js';
import { writeAudit } from '../audit.js';
import { pageOfRows } from '../page-of-rows.js';

/** Whose ledgers they are: a company that the operator serves. */
export interface OrganizationRow {
  readonly id: string;
  readonly name: string;
  readonly created_at: string;
}

const columns = `id, name, ${microsSql('created_at')} AS created_at`;

export const organizationIdOf = (uuid: string) => encodeTypeId('org', uuid);

export function presentOrganization({ id, name, created_at }: OrganizationRow) {
  return { id: organizationIdOf(id), name, createdAt: formatTimestamp(BigInt(created_at)) };
}

export async function createOrganization(
  database: AccessDatabase,
  actor: string,
  name: string,
): Promise<OrganizationRow> {
  return database.transaction(async (db) => {
    const [organization] = await db.query<OrganizationRow>(
      `INSERT INTO access.organizations (id, name) VALUES ($1, $2) RETURNING ${columns}`,
      [newUuid(), name],
    );
    if (!organization) throw new Error('an organization was not made');
    const subject = organizationIdOf(organization.id);
    const details = { after: { name } };
    await writeAudit(db, { ledgerId: null, actor, action: 'organization.created', subject, details });
    return organization;
  });
}

export function listOrganizations(db: Database, page: PageRequest): Promise<Page<OrganizationRow>> {
  const rows = { columns, from: 'FROM access.organizations WHERE true', values: [] };
  return pageOfRows(db, { list: 'organizations', owner: 'operator', filters: {} }, rows, page);
}

export async function findOrganization(db: Database, organizationId: string): Promise<OrganizationRow> {
  const [organization] = await db.query<OrganizationRow>(
    `SELECT ${columns} FROM access.organizations WHERE id = $1`,
    [organizationId],
  );
  if (!organization) throw organizationNotFound();
  return organization;
}

export function organizationNotFound(): ApiError {
  return new ApiError(404, 'not_found', 'there is no such organization');
}
