import { join } from 'node:path';
import { legacySignature } from '../../apps/webhook-dispatcher/src/delivery/signature.js';
import { isContinuousIntegration } from '../support/config.js';
import {
  compileTypeScript,
  extractSnippets,
  isInstalled,
  runOnJson,
  writeBeside,
  type Snippets,
} from '../support/guide-snippets.js';
import { otherSecret, secret, signedBody, signedRequests } from '../support/signed-requests.js';

/** What docs/SUBSCRIBING.md shows is taken out of the page and run. */
let snippets: Snippets;
let complaints: string[];

beforeAll(async () => {
  snippets = await extractSnippets('docs/SUBSCRIBING.md');
  complaints = compileTypeScript(snippets);
});

afterAll(() => snippets.remove());

/** False where the program is missing: said loudly, and a failure where the build is judged. */
function mayRun(program: string, versionArgument: string): boolean {
  if (isInstalled(program, versionArgument)) return true;
  console.error(`The guide's snippets for ${program} were NOT RUN: ${program} is not installed.`);
  expect(isContinuousIntegration()).toBe(false);
  return false;
}

async function expectVerdicts(command: readonly [string, ...string[]]): Promise<void> {
  const cases = signedRequests();
  const verdicts = await runOnJson(
    command,
    snippets.directory,
    cases.map(([, request]) => request),
  );
  expect(cases.map(([name], index) => [name, (verdicts as boolean[])[index]])).toEqual(
    cases.map(([name, , isTrusted]) => [name, isTrusted]),
  );
}

describe('the page', () => {
  it('has a snippet for each language and each subject', () => {
    expect(snippets.names).toEqual([
      'dedup.ts',
      'consume-events.ts',
      'verify-webhook.ts',
      'verify_webhook.py',
      'verify_webhook.go',
      'verify-legacy.ts',
      'receive-webhooks.ts',
    ]);
  });

  it('names every snippet that is code, so that none escapes this test', () => {
    const nameless = snippets.fences.filter((info) => !info.includes(' '));
    expect(nameless.filter((info) => !['json', 'sh'].includes(info))).toEqual([]);
  });

  it('shows TypeScript that compiles strictly', () => {
    expect(complaints).toEqual([]);
  });
});

describe('verifying a signature', () => {
  it('works in TypeScript with standardwebhooks', async () => {
    await writeBeside(snippets, {
      'run-verify.js': `
        import { text } from 'node:stream/consumers';
        import { verifyWebhook } from './verify-webhook.js';
        const verdicts = JSON.parse(await text(process.stdin)).map(({ secret, headers, body }) => {
          try {
            return verifyWebhook(secret, headers, Buffer.from(body)).type === JSON.parse(body).type;
          } catch {
            return false;
          }
        });
        console.log(JSON.stringify(verdicts));`,
    });
    await expectVerdicts([process.execPath, 'run-verify.js']);
  });

  it('works in Python', async () => {
    if (!mayRun('python3', '--version')) return;
    await writeBeside(snippets, {
      'run_verify.py': [
        'import json, sys',
        'from verify_webhook import verify_webhook',
        'def verdict(case):',
        '    try:',
        '        event = verify_webhook(case["secret"], case["headers"], case["body"].encode())',
        '        return event == json.loads(case["body"])',
        '    except ValueError:',
        '        return False',
        'print(json.dumps([verdict(case) for case in json.load(sys.stdin)]))',
      ].join('\n'),
    });
    await expectVerdicts(['python3', 'run_verify.py']);
  });

  it('works in Go', async () => {
    if (!mayRun('go', 'version')) return;
    await writeBeside(snippets, {
      'go.mod': 'module guide\n\ngo 1.21\n',
      'run_verify.go': `package main

import (
	"encoding/json"
	"net/http"
	"os"
)

func main() {
	var cases []struct {
		Secret  string
		Headers map[string]string
		Body    string
	}
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	verdicts := make([]bool, len(cases))
	for i, each := range cases {
		header := http.Header{}
		for name, value := range each.Headers {
			header.Set(name, value)
		}
		verdicts[i] = VerifyWebhook(each.Secret, header, []byte(each.Body)) == nil
	}
	json.NewEncoder(os.Stdout).Encode(verdicts)
}
`,
    });
    await expectVerdicts(['go', 'run', '.']);
  }, 300_000);

  it('works for the legacy header', async () => {
    const { isLegacySignature } = (await import(join(snippets.directory, 'verify-legacy.ts'))) as {
      isLegacySignature: (secret: string, header: string, body: Buffer) => boolean;
    };
    const header = legacySignature(Buffer.from(signedBody), secret);
    expect(isLegacySignature(secret, header, Buffer.from(signedBody))).toBe(true);
    expect(isLegacySignature(secret, header, Buffer.from(`${signedBody} `))).toBe(false);
    expect(isLegacySignature(otherSecret, header, Buffer.from(signedBody))).toBe(false);
    expect(isLegacySignature(secret, 'sha256=', Buffer.from(signedBody))).toBe(false);
  });
});

describe('dropping repeats and seeing gaps', () => {
  interface Place {
    readonly epoch: number;
    readonly number: bigint;
  }
  let judge: (last: Place, next: Place) => string;
  let beginning: Place;

  beforeAll(async () => {
    ({ judge, beginning } = await import(join(snippets.directory, 'dedup.ts')));
  });

  it.each([
    ['the next one', [1, 17], [1, 18], 'next'],
    ['the same again', [1, 17], [1, 17], 'repeat'],
    ['an old one, at any later time', [1, 17], [1, 1], 'repeat'],
    ['one left out', [1, 17], [1, 19], 'gap'],
    ['restored, and the first after it', [1, 100], [2, 81], 'next'],
    ['restored to the very last', [1, 100], [2, 101], 'next'],
    ['restored to nothing', [1, 100], [2, 1], 'next'],
    ['restored, and one left out', [1, 100], [2, 102], 'gap'],
    ['restored twice meanwhile', [1, 100], [3, 40], 'next'],
    ['after the restore, the next one', [2, 81], [2, 82], 'next'],
    ['after the restore, one from before at a higher position', [2, 81], [1, 100], 'repeat'],
    ['after the restore, one from before at the next position', [2, 81], [1, 82], 'repeat'],
    ['beyond what floating point can count', [1, 9007199254740992n], [1, 9007199254740993n], 'next'],
  ] as const)('%s', (_name, last, next, verdict) => {
    const place = ([epoch, number]: readonly [number, number | bigint]) => ({
      epoch,
      number: BigInt(number),
    });
    expect(judge(place(last), place(next))).toBe(verdict);
  });

  it('the first message of a key', () => {
    expect(judge(beginning, { epoch: 1, number: 1n })).toBe('next');
    expect(judge(beginning, { epoch: 2, number: 1n })).toBe('next');
    expect(judge(beginning, { epoch: 1, number: 2n })).toBe('gap');
  });
});
