import { Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { validateSync, type ValidationError } from 'class-validator';
import { validationError, type ErrorDetail } from './api-error.js';
import { rulesOf, type DtoRules } from './dto-rules.js';
import { isStorable } from './json-body.js';

type DtoClass = new () => object;

/**
 * Checks bodies and query strings against their class. Unknown fields are refused, so that a misspelt filter
 * can't return everything. Values stay as they were sent: each DTO says how it is read.
 */
@Injectable()
export class DtoPipe implements PipeTransform {
  private readonly rulesByClass = new Map<DtoClass, DtoRules>();

  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if ((type !== 'body' && type !== 'query') || !metatype) return value;
    const dtoClass = metatype as DtoClass;
    const input = type === 'query' ? readQuery(value) : readBody(value);
    const rules = this.rulesOf(dtoClass);
    const unknown = Object.keys(input).filter((key) => !rules.fields.has(key));
    if (unknown.length > 0) {
      throw validationError(unknown.map((path) => ({ path, message: 'is not known here' })));
    }
    const dto = Object.assign(new dtoClass(), input);
    if (rules.areKept(dto)) return dto;
    const errors = validateSync(dto, { forbidUnknownValues: false, stopAtFirstError: true });
    if (errors.length > 0) throw validationError(errors.flatMap((error) => detailsOf(error, '')));
    return dto;
  }

  private rulesOf(dtoClass: DtoClass): DtoRules {
    const known = this.rulesByClass.get(dtoClass);
    if (known) return known;
    const rules = rulesOf(dtoClass);
    this.rulesByClass.set(dtoClass, rules);
    return rules;
  }
}

function readBody(value: unknown): object {
  if (value === undefined || value === null || typeof value !== 'object' || Array.isArray(value)) {
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

function detailsOf(error: ValidationError, parent: string): ErrorDetail[] {
  const path = parent ? `${parent}.${error.property}` : error.property;
  const own = Object.values(error.constraints ?? {}).map((message) => ({ path, message }));
  return [...own, ...(error.children ?? []).flatMap((child) => detailsOf(child, path))];
}
