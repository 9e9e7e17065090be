import { getMetadataStorage, ValidationTypes } from 'class-validator';
import type { ErrorDetail } from './api-error.js';

export type DtoClass = new () => object;
type RuleMetadata = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];

interface FieldRules {
  readonly field: string;
  readonly isChecked: (dto: object, value: unknown) => boolean;
  readonly holds: (dto: object, value: unknown) => boolean;
}

/** What is wrong with fields of an object that are each in order. */
type CheckAcross = (dto: object) => readonly ErrorDetail[];

/** The fields that a class knows, and whether an object of it keeps all of their rules. */
export interface DtoRules {
  readonly fields: ReadonlySet<string>;
  /** Fields that are lists of objects, with the class of those. */
  readonly lists: ReadonlyMap<string, DtoClass>;
  /** Nothing at all may stand for an object without fields. */
  readonly mayBeMissing: boolean;
  readonly faultsAcross: CheckAcross;
  readonly areKept: (dto: object) => boolean;
}

const itemsKey = Symbol('items of a list');
const acrossKey = Symbol('checks across fields');
const mayBeMissingKey = Symbol('may be missing');

/** The field is a list whose items are objects of the class. That it is a list, and how long, a rule of its own says. */
export const ItemsOf =
  (itemClass: DtoClass): PropertyDecorator =>
  (target, field) => {
    Reflect.defineMetadata(itemsKey, itemClass, target, field);
  };

/** Checks an object whose fields are each in order; those of a class that it extends come first. */
export const AcrossFields =
  <Dto extends object>(check: (dto: Dto) => readonly ErrorDetail[]): ClassDecorator =>
  (target) => {
    const inherited = (Reflect.getMetadata(acrossKey, target) ?? []) as readonly unknown[];
    Reflect.defineMetadata(acrossKey, [...inherited, check], target);
  };

/** A body of this class may be missing, which is the same as one without fields. */
export const MayBeMissing = (): ClassDecorator => (target) => {
  Reflect.defineMetadata(mayBeMissingKey, true, target);
};

const rulesByClass = new WeakMap<DtoClass, DtoRules>();

/**
 * The rules of a class, read once from where class-validator keeps them: validateSync looks them up and sorts them
 * for every object, which takes ten times as long as the rules. It still says what is wrong with an object, and is
 * left to judge those of a class that has rules of another kind than these: never kept, as far as is known here.
 */
export function rulesOf(dtoClass: DtoClass): DtoRules {
  const known = rulesByClass.get(dtoClass);
  if (known) return known;
  const rules = readRules(dtoClass);
  rulesByClass.set(dtoClass, rules);
  return rules;
}

function readRules(dtoClass: DtoClass): DtoRules {
  const storage = getMetadataStorage();
  const metadata = storage.getTargetValidationMetadatas(dtoClass, '', false, false);
  const byField = storage.groupByPropertyName(metadata);
  const fields = new Set(Object.keys(byField));
  const lists = listsOf(dtoClass, fields);
  const mayBeMissing = Reflect.getMetadata(mayBeMissingKey, dtoClass) === true;
  const checks = (Reflect.getMetadata(acrossKey, dtoClass) ?? []) as readonly CheckAcross[];
  const faultsAcross: CheckAcross = (dto) => checks.flatMap((check) => check(dto));
  const common = { fields, lists, mayBeMissing, faultsAcross };
  if (!metadata.every(isKnownKind)) return { ...common, areKept: () => false };
  const rules = Object.entries(byField).map(([field, own]) => fieldRules(dtoClass, field, own));
  const itemRules = [...lists].map(([field, itemClass]) => ({ field, item: rulesOf(itemClass) }));
  return {
    ...common,
    areKept: (dto) => {
      for (const { field, isChecked, holds } of rules) {
        const value = (dto as Record<string, unknown>)[field];
        if (isChecked(dto, value) && !holds(dto, value)) return false;
      }
      for (const { field, item } of itemRules) {
        const list = (dto as Record<string, unknown>)[field];
        if (Array.isArray(list) && !list.every((each) => isKeptByItem(each, item))) return false;
      }
      return checks.every((check) => check(dto).length === 0);
    },
  };
}

function listsOf(dtoClass: DtoClass, fields: ReadonlySet<string>): ReadonlyMap<string, DtoClass> {
  const lists = new Map<string, DtoClass>();
  for (const field of fields) {
    const prototype = dtoClass.prototype as object;
    const itemClass = Reflect.getMetadata(itemsKey, prototype, field) as DtoClass | undefined;
    if (itemClass) lists.set(field, itemClass);
  }
  return lists;
}

/** Items stay as they were sent: none is made an object of its class just to be checked. */
function isKeptByItem(item: unknown, { fields, areKept }: DtoRules): boolean {
  if (!isPlainObject(item)) return false;
  for (const field in item) if (!fields.has(field)) return false;
  return areKept(item);
}

/** What JSON calls an object. */
export function isPlainObject(value: unknown): value is object {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function isKnownKind(metadata: RuleMetadata): boolean {
  if (metadata.type === ValidationTypes.CONDITIONAL_VALIDATION) return true;
  if (metadata.type !== ValidationTypes.CUSTOM_VALIDATION) return false;
  return !metadata.each && !metadata.validateIf && constraintsOf(metadata).every(({ async }) => !async);
}

function constraintsOf({ constraintCls }: RuleMetadata) {
  return getMetadataStorage().getTargetValidatorConstraints(constraintCls);
}

function fieldRules(dtoClass: DtoClass, property: string, metadata: readonly RuleMetadata[]): FieldRules {
  const isCondition = ({ type }: RuleMetadata) => type === ValidationTypes.CONDITIONAL_VALIDATION;
  const conditions = metadata
    .filter(isCondition)
    .map(({ constraints }) => constraints[0] as (dto: object, value: unknown) => boolean);
  const checks = metadata
    .filter((rule) => !isCondition(rule))
    .flatMap((rule) =>
      constraintsOf(rule).map(({ instance }) => ({ instance, constraints: rule.constraints as unknown[] })),
    );
  const targetName = dtoClass.name;
  const [onlyCondition = () => true] = conditions;
  return {
    field: property,
    // Nearly every field has one, which is asked of each of a thousand items.
    isChecked:
      conditions.length < 2
        ? onlyCondition
        : (object, value) => conditions.every((isMet) => isMet(object, value)),
    holds: (object, value) =>
      checks.every(
        ({ instance, constraints }) =>
          instance.validate(value, { targetName, property, object, value, constraints }) === true,
      ),
  };
}
