/** Where all metrics of this process are registered. */
export const REGISTRY = Symbol('REGISTRY');
