/** Which URLs an endpoint may have, as this process was told at its start. */
export const URL_RULES = Symbol('URL_RULES');
