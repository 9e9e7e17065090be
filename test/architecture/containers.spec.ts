import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

// No container engine is needed to run the tests, so the files are held against what they must say.
const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

interface Service {
  image?: string;
  build?: string;
  command?: string[];
  environment: Record<string, string | number>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  ports?: string[];
}

interface Stage {
  base: string;
  name: string | undefined;
  instructions: { keyword: string; rest: string }[];
}

function stagesOf(dockerfile: string): Stage[] {
  const stages: Stage[] = [];
  const lines = dockerfile.replaceAll(/\\\n/g, ' ').split('\n');
  for (const line of lines.filter((text) => text.trim() !== '' && !text.startsWith('#'))) {
    const [, keyword = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    const [, base = '', name] = keyword === 'FROM' ? (/^(\S+)(?:\s+AS\s+(\S+))?$/.exec(rest) ?? []) : [];
    if (keyword === 'FROM') stages.push({ base, name, instructions: [] });
    else stages.at(-1)?.instructions.push({ keyword, rest });
  }
  return stages;
}

describe('Dockerfile', () => {
  const stages = stagesOf(read('Dockerfile'));
  const last = stages.at(-1);
  const told = (keyword: string): string[] =>
    (last?.instructions ?? []).filter((line) => line.keyword === keyword).map(({ rest }) => rest);

  it('consists of instructions that Docker knows', () => {
    const known = ['ARG', 'CMD', 'COPY', 'ENV', 'EXPOSE', 'HEALTHCHECK', 'RUN', 'USER', 'WORKDIR'];
    const keywords = stages.flatMap(({ instructions }) => instructions.map(({ keyword }) => keyword));
    expect(keywords.filter((keyword) => !known.includes(keyword))).toEqual([]);
  });

  it('builds in one stage and runs in another, both on the same Node', () => {
    expect(stages.length).toBeGreaterThan(1);
    expect(new Set(stages.map(({ base }) => base))).toEqual(new Set(['node:24-bookworm-slim']));
  });

  it('copies from stages that exist and paths that exist', () => {
    const names = stages.map(({ name }) => name);
    const copies = stages.flatMap(({ instructions }) =>
      instructions.filter(({ keyword }) => keyword === 'COPY'),
    );
    for (const { rest } of copies) {
      const [, stage, paths = ''] = /^(?:--from=(\S+)\s+)?(.*)$/.exec(rest) ?? [];
      if (stage) expect(names).toContain(stage);
      else
        for (const path of paths.split(/\s+/).slice(0, -1))
          expect([path, existsSync(join(root, path))]).toEqual([path, true]);
    }
  });

  it('runs the ledger as an ordinary user, with production packages and a health check', () => {
    expect(told('USER')).toEqual(['node']);
    expect(told('CMD')).toEqual(['["node", "--max-semi-space-size=64", "dist/apps/ledger/src/main.js"]']);
    expect(told('HEALTHCHECK').join()).toContain('/health/live');
    expect(told('COPY').filter((rest) => rest.includes('node_modules'))).toEqual([
      '--from=dependencies /app/node_modules node_modules',
    ]);
    const dependencies = stages.find(({ name }) => name === 'dependencies');
    expect(dependencies?.instructions.map(({ rest }) => rest).join('\n')).toContain('npm ci --omit=dev');
  });
});

describe('docker-compose.yml', () => {
  const { services } = parse(read('docker-compose.yml')) as { services: Record<string, Service> };
  const service = (name: string): Service => {
    const found = services[name];
    if (!found) throw new Error(`no service ${name}`);
    return found;
  };

  it('names the services', () => {
    expect(Object.keys(services).sort()).toEqual(['dispatcher', 'kafka', 'ledger', 'migrate', 'postgres']);
  });

  it('gives Postgres the encoding and the locale that the ledger insists on', () => {
    const { image, environment } = service('postgres');
    expect(image).toBe('postgres:18');
    expect(environment['POSTGRES_INITDB_ARGS']).toBe(
      '--encoding=UTF8 --locale-provider=builtin --builtin-locale=C.UTF-8',
    );
  });

  it('has a Kafka of one node that makes no topic by itself, and tells both apps where it is', () => {
    const { image, environment, healthcheck } = service('kafka');
    expect(image).toBe('apache/kafka:4.1.0');
    expect(environment['KAFKA_AUTO_CREATE_TOPICS_ENABLE']).toBe('false');
    expect(environment['KAFKA_PROCESS_ROLES']).toBe('broker,controller');
    expect(healthcheck?.test.join(' ')).toContain('kafka-broker-api-versions.sh');
    const [, brokers] = /PLAINTEXT:\/\/(.*)$/.exec(String(environment['KAFKA_ADVERTISED_LISTENERS'])) ?? [];
    for (const app of ['ledger', 'dispatcher'])
      expect(service(app).environment['KAFKA_BROKERS']).toBe(brokers);
  });

  it('runs both apps from one image, a command for the dispatcher, and reaches it through the ledger', () => {
    const { image, command, ports, healthcheck, environment } = service('dispatcher');
    expect(image).toBe(service('ledger').image);
    expect(command?.at(-1)).toBe('dist/apps/webhook-dispatcher/src/main.js');
    expect(existsSync(join(root, 'apps/webhook-dispatcher/src/main.ts'))).toBe(true);
    const url = `http://dispatcher:${environment['DISPATCHER_PORT']}`;
    expect(service('ledger').environment['DISPATCHER_URL']).toBe(url);
    expect(healthcheck?.test.join(' ')).toContain(`:${environment['DISPATCHER_PORT']}/health/live`);
    expect(ports).toBeUndefined();
  });

  it('keeps webhooks to public https:// addresses unless somebody says otherwise', () => {
    const { environment } = service('dispatcher');
    expect(environment['WEBHOOK_ALLOW_HTTP']).toBe('${WEBHOOK_ALLOW_HTTP:-false}');
    expect(environment['WEBHOOK_ALLOWED_RANGES']).toBe('${WEBHOOK_ALLOWED_RANGES:-}');
  });

  it('migrates as the owner, once, before the apps start; the ledger waits for nothing else', () => {
    const migrate = service('migrate');
    expect(migrate.command).toEqual(['node', 'dist/tools/migrate/main.js']);
    expect(Object.keys(migrate.environment)).toEqual([
      'DATABASE_URL',
      'LEDGER_DATABASE_URL',
      'DISPATCHER_DATABASE_URL',
    ]);
    expect(migrate.depends_on).toEqual({ postgres: { condition: 'service_healthy' } });
    const migrated = { migrate: { condition: 'service_completed_successfully' } };
    expect(service('ledger').depends_on).toEqual(migrated);
    expect(service('dispatcher').depends_on).toMatchObject(migrated);
  });

  it('gives each app its own database role only, and no secret that is written here', () => {
    const secrets = { ledger: ['BOOTSTRAP_API_KEY', 'SECRETS_KEY'], dispatcher: ['SECRETS_KEY'] };
    for (const [app, names] of Object.entries(secrets)) {
      const { environment } = service(app);
      const variable = `${app.toUpperCase()}_DATABASE_URL`;
      expect(Object.keys(environment).filter((name) => name.endsWith('DATABASE_URL'))).toEqual([variable]);
      expect(environment[variable]).toBe(service('migrate').environment[variable]);
      for (const name of names) expect(environment[name]).toMatch(/^\$\{\w+:\?.+\}$/);
    }
  });
});
