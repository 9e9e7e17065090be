import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import secureJsonParse from 'secure-json-parse';
import { ApiError, validationError } from './api-error.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Of the body as it came, however it was sent. */
    bodyBytes: number;
  }
}

/** JSON in UTF-8 is the only kind of body. What Postgres can't hold as text is refused here. */
export function acceptJsonOnly(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.decorateRequest('bodyBytes', 0);
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    request.bodyBytes = body.length;
    if (request.is404) return done(null, undefined);
    try {
      refuseOtherCharsets(request.headers['content-type'] ?? '');
      done(null, parseBody(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i;

function refuseOtherCharsets(contentType: string): void {
  const [, name = 'utf-8'] = charset.exec(contentType) ?? [];
  if (/^(utf-?8|us-ascii)$/i.test(name)) return;
  throw new ApiError(415, 'unsupported_media_type', `the body must be in UTF-8, not ${name}`);
}

function parseBody(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  if (!isUtf8(body)) throw malformed('it is not UTF-8');
  const text = body.toString('utf8');
  const parsed = parseJson(text);
  // Only an escape can bring characters that can't be stored into JSON text that is valid UTF-8.
  const isSuspect = text.includes('\\u') || (text.length > shallowTextMax && nestsDeeper(parsed, nestingMax));
  if (isSuspect) inspect(parsed);
  return parsed;
}

function parseJson(text: string): unknown {
  try {
    return secureJsonParse.parse(text, { protoAction: 'error', constructorAction: 'ignore' }) as unknown;
  } catch {
    throw malformed('it is not valid JSON');
  }
}

function malformed(message: string) {
  return validationError([{ path: 'body', message }]);
}

/** U+0000 and unpaired surrogates have no place in a Postgres text. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

/** Far more than any body has, and far less than a call stack. */
const nestingMax = 100;
/** A text of this length can't nest so deep that a function which calls itself would mind. */
const shallowTextMax = 2_000;

/** It goes no deeper than that itself. */
function nestsDeeper(value: unknown, levelsMax: number): boolean {
  if (value === null || typeof value !== 'object') return false;
  if (levelsMax === 0) return true;
  if (Array.isArray(value)) return value.some((item) => nestsDeeper(item, levelsMax - 1));
  for (const key in value) {
    if (nestsDeeper((value as Record<string, unknown>)[key], levelsMax - 1)) return true;
  }
  return false;
}

/** Goes through a body without calling itself, because its depth is the sender's choice. */
function inspect(body: unknown): void {
  const open: { value: unknown; path: string; level: number }[] = [{ value: body, path: '', level: 1 }];
  for (let item = open.pop(); item; item = open.pop()) {
    const { value, path, level } = item;
    if (typeof value === 'string' && !isStorable(value)) {
      throw validationError([{ path: path || 'body', message: 'has U+0000 or an unpaired surrogate' }]);
    }
    if (value === null || typeof value !== 'object') continue;
    if (level > nestingMax) throw malformed(`it nests deeper than ${nestingMax} levels`);
    for (const [key, child] of Object.entries(value)) {
      if (!isStorable(key)) throw malformed('a key has U+0000 or an unpaired surrogate');
      open.push({ value: child, path: path ? `${path}.${key}` : key, level: level + 1 });
    }
  }
}
