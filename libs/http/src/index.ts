export { ApiError, unavailableError, validationError, type ErrorDetail } from './api-error.js';
export { bodiesBytesDefault } from './bounded-bodies.js';
export { connectionLimitSpecs, type ConnectionLimits } from './connection-limits.js';
export { conventionError } from './convention-error.js';
export { DtoPipe } from './dto-pipe.js';
export { AcrossFields, ItemsOf, MayBeMissing, type DtoClass } from './dto-rules.js';
export { createHttpApp } from './http-app.js';
export { isOpenPath, mediaTypeOf, pathOf } from './request-conventions.js';
export { RouteSettings } from './route-settings.js';
