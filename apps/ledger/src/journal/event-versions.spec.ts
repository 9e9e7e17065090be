import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import {
  eventTypes,
  renderStreamEvent,
  renderTopicMessages,
  webhookBodyOf,
  type JournalRecord,
} from '#contracts';
import { decodeEvent, encodeEventData, readVersions, versionOf } from '#journal';
import type { DumpedRow } from '../../../../test/upgrade/database-dump.js';
import { readFixture } from '../../../../test/upgrade/recorded-story.js';
import { releases } from '../../../../test/upgrade/releases.js';
import { listsProjection } from '../projections/lists-projection.js';

const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true });
addFormats.default(ajv);
const schemas = new Map(eventTypes.map(({ type, schema }) => [type, ajv.compile(schema)]));

/** What a release has written of one type, in one version. */
interface Written {
  readonly release: string;
  readonly type: string;
  readonly version: number;
  readonly records: readonly JournalRecord[];
}

const written: readonly Written[] = releases.flatMap((release) => {
  const records = readFixture(release)
    .rows.filter(({ table }) => table === 'journal.events')
    .map(recordOf);
  return Object.entries(release.events).flatMap(([type, versions]) =>
    versions.map((version) => ({
      ...{ release: release.name, type, version },
      records: records.filter((record) => record.type === type && record.version === version),
    })),
  );
});

const named = (type: string, version: number) => `${type} ${version}`;
const known = Object.entries(readVersions).flatMap(([type, versions]) =>
  versions.map((version) => ({ type, version })),
);

describe('events of earlier releases', () => {
  it('are kept in test/upgrade for every type and version that is known (docs/UPGRADING.md says how)', () => {
    const kept = new Set(written.map(({ type, version }) => named(type, version)));
    expect([...kept].sort()).toEqual(known.map(({ type, version }) => named(type, version)).sort());
  });

  it.each(releases)('are those that releases.json says: $name', (release) => {
    const found = readFixture(release)
      .rows.filter(({ table }) => table === 'journal.events')
      .map(({ row }) => named(row['type'] ?? '', Number(row['version'])));
    const said = Object.entries(release.events).flatMap(([type, versions]) =>
      versions.map((version) => named(type, version)),
    );
    expect([...new Set(found)].sort()).toEqual(said.sort());
  });
});

describe.each(written)(
  'given $type version $version as "$release" wrote it',
  ({ type, version, records }) => {
    it('when it is read, then it is written again as the same text', () => {
      expect(records.length).toBeGreaterThan(0);
      for (const { dataText } of records) {
        const event = decodeEvent({ type, version, dataText });
        expect(event).toMatchObject({ type });
        expect([versionOf(event!), encodeEventData(event!)]).toEqual([version, dataText]);
      }
    });

    it('when it is shown, then as the schema of its type says, with its legs', () => {
      for (const record of records) {
        const event = renderStreamEvent(record);
        const isValid = schemas.get(type)!;
        expect([
          isValid(JSON.parse(JSON.stringify(webhookBodyOf(event, { ownerId: null })))),
          isValid.errors,
        ]).toEqual([true, null]);
        expect(event.legs.length > 0).toBe(/^(account|transaction)\./.test(type));
        const [whole] = renderTopicMessages(record);
        expect(whole?.value).toBe(JSON.stringify(event));
      }
    });

    it('when it is projected, then it is understood', () => {
      expect(listsProjection.understands).toContainEqual({ type, version });
    });
  },
);

describe.each(eventTypes)('given $type of a version that no release knows', ({ type }) => {
  const version = 1 + Math.max(...known.filter((each) => each.type === type).map((each) => each.version));

  it('when it is read or shown, then both stop in front of it', () => {
    const record = { ...written.find((each) => each.type === type)!.records[0]!, version };
    const refusal = `event type ${type} version ${version} is not known to this release`;
    expect(() => decodeEvent({ type, version, dataText: record.dataText })).toThrow(refusal);
    expect(() => renderStreamEvent(record)).toThrow(refusal);
    expect(listsProjection.understands).not.toContainEqual({ type, version });
  });
});

function recordOf({ row }: DumpedRow): JournalRecord {
  const text = (column: string) => row[column] ?? '';
  return {
    ledgerId: text('ledger_id'),
    epoch: Number(text('epoch')),
    position: text('position'),
    id: text('id'),
    type: text('type'),
    version: Number(text('version')),
    transactionId: row['transaction_id'] ?? null,
    dataText: row['data'] ?? null,
    recordedAt: isoOf(text('recorded_at')),
    hash: text('hash').slice(2),
  };
}

/** Of Postgres's text of a time in UTC, which leaves zeros at the end out. */
function isoOf(text: string): string {
  const [, day, time, fraction = ''] = /^(\S+) ([\d:]+)\.?(\d*)\+00$/.exec(text) ?? [];
  return `${day}T${time}.${fraction.padEnd(6, '0')}Z`;
}
