import { ApiError, DtoPipe } from '#http';

const pipe = new DtoPipe();

/** The fields of a body or query that its class refuses, as the answer names them; null where it is taken. */
export function refusedPaths(
  value: unknown,
  metatype: new () => object,
  type: 'body' | 'query' = 'body',
): string[] | null {
  try {
    pipe.transform(value, { type, metatype });
    return null;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    expect([error.status, error.code]).toEqual([400, 'validation_error']);
    return error.details.map(({ path }) => path);
  }
}
