export { AccessDatabase, type AccessDatabaseSettings, type Database } from './access-database.js';
export { AccessModule } from './access.module.js';
export { ApiKeys } from './api-keys.js';
export { writeAudit } from './audit.js';
export { authenticateRequests } from './authenticate.js';
export { Bootstrap } from './bootstrap.js';
export { Caller, callerOf } from './caller.js';
export { ClientTokens, tokenSecondsMax } from './client-tokens.js';
export { createKey, type KeyDraft, type KeyWithSecret } from './keys/create-key.js';
export { deleteKey } from './keys/delete-key.js';
export { findKey, keyIdOf, keyNotFound, operatorOf, presentKey, type KeySettings } from './keys/key.js';
export { listKeys } from './keys/list-keys.js';
export { rotateKey } from './keys/rotate-key.js';
export { updateKey } from './keys/update-key.js';
export { createLedger, listLedgers, presentLedger } from './ledgers/ledgers.js';
export {
  createOrganization,
  findOrganization,
  listOrganizations,
  organizationNotFound,
  presentOrganization,
} from './ledgers/organizations.js';
export { listAuditLog, presentAuditEntry, type AuditFilters } from './list-audit-log.js';
export { Nonces } from './nonces.js';
export { requireScope, type Mode, type Principal } from './principals.js';
export { rateLimited, RateLimits, rateLimitStores, type RateLimitStore } from './rate-limits.js';
export { Access, scopes, type RouteAccess, type Scope } from './scopes.js';
export { duplicateRequest } from './signed-requests.js';
export { TokenKeys } from './token-keys.js';
