import { Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { validateSync, type ValidationError } from 'class-validator';
import { detailsMax, validationError, type ErrorDetail } from './api-error.js';
import { isPlainObject, rulesOf, type DtoClass } from './dto-rules.js';
import { isStorable } from './json-body.js';

/**
 * Checks bodies and query strings against their class. Unknown fields are refused, so that a misspelt filter
 * can't return everything. Values stay as they were sent: each DTO says how it is read.
 */
@Injectable()
export class DtoPipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if ((type !== 'body' && type !== 'query') || !metatype) return value;
    const dtoClass = metatype as DtoClass;
    const rules = rulesOf(dtoClass);
    const input = type === 'query' ? readQuery(value) : readBody(value, rules.mayBeMissing);
    const unknown = unknownFields(input, rules.fields, '');
    if (unknown.length > 0) throw validationError(unknown);
    const dto = Object.assign(new dtoClass(), input);
    if (rules.areKept(dto)) return dto;
    const faults = faultsOf(dto, dtoClass, '');
    if (faults.length > 0) throw validationError(faults);
    return dto;
  }
}

function readBody(value: unknown, mayBeMissing: boolean): object {
  if (value === undefined && mayBeMissing) return {};
  if (!isPlainObject(value)) {
    throw validationError([{ path: 'body', message: 'must be a JSON object' }]);
  }
  return value;
}

function readQuery(value: unknown): object {
  const query = value as Record<string, unknown>;
  for (const [path, text] of Object.entries(query)) {
    if (typeof text !== 'string') throw validationError([{ path, message: 'may be given once' }]);
    if (!isStorable(text) || !isStorable(path)) {
      throw validationError([{ path, message: 'has U+0000 or an unpaired surrogate' }]);
    }
  }
  return query;
}

function unknownFields(input: object, fields: ReadonlySet<string>, parent: string): ErrorDetail[] {
  return Object.keys(input)
    .filter((key) => !fields.has(key))
    .map((key) => ({ path: parent + key, message: 'is not known here' }));
}

/** What is wrong with an object: its own fields, then the items of its lists, then how its fields go together. */
function faultsOf(dto: object, dtoClass: DtoClass, parent: string): ErrorDetail[] {
  const errors = validateSync(dto, { forbidUnknownValues: false, stopAtFirstError: true });
  const faults = errors.flatMap((error) => detailsOf(error, parent));
  const { lists, faultsAcross } = rulesOf(dtoClass);
  const wrong = new Set(errors.map(({ property }) => property));
  for (const [field, itemClass] of lists) {
    const list = (dto as Record<string, unknown>)[field];
    if (wrong.has(field) || !Array.isArray(list)) continue;
    for (const [index, item] of list.entries()) {
      if (faults.length >= detailsMax) return faults;
      faults.push(...faultsOfItem(item, itemClass, `${parent}${field}[${index}]`));
    }
  }
  if (faults.length > 0) return faults;
  return faultsAcross(dto).map(({ path, message }) => ({ path: parent + path, message }));
}

function faultsOfItem(item: unknown, itemClass: DtoClass, path: string): ErrorDetail[] {
  if (!isPlainObject(item)) return [{ path, message: 'must be a JSON object' }];
  const unknown = unknownFields(item, rulesOf(itemClass).fields, `${path}.`);
  if (unknown.length > 0) return unknown;
  return faultsOf(Object.assign(new itemClass(), item), itemClass, `${path}.`);
}

function detailsOf(error: ValidationError, parent: string): ErrorDetail[] {
  const path = parent + error.property;
  const own = Object.values(error.constraints ?? {}).map((message) => ({ path, message }));
  return [...own, ...(error.children ?? []).flatMap((child) => detailsOf(child, `${path}.`))];
}
