export { AccessModule } from './access.module.js';
export { ApiKeys } from './api-keys.js';
export { writeAudit } from './audit.js';
export { authenticateRequests } from './authenticate.js';
export { Bootstrap } from './bootstrap.js';
export { Caller, callerOf } from './caller.js';
export { requireScope, type Mode, type Principal } from './principals.js';
export { Access, scopes, type RouteAccess, type Scope } from './scopes.js';
