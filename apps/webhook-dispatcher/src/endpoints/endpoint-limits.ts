export const endpointsPerLedgerMax = 1_000;
export const urlCharactersMax = 2_048;
export const eventTypesMax = 50;
export const eventTypeCharactersMax = 100;
export const accountIdsMax = 100;
export const maxConcurrencyDefault = 10;
export const maxConcurrencyMax = 100;
export const rateLimitPerSecondMax = 10_000;
export const overlapSecondsDefault = 86_400;
export const overlapSecondsMax = 604_800;
/** Of one process, at one time. */
export const testsMax = 16;
