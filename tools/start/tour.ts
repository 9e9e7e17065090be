interface Ports {
  readonly ledger: number;
  readonly dispatcher: number;
  readonly receiver: number | undefined;
}

/** What a person sees when everything runs: where, with which key, and lines to paste into one shell. */
export function tour(ports: Ports, apiKey: string): string {
  const address = `http://localhost:${ports.ledger}`;
  const caller = callerOf(address, apiKey);
  return [
    '',
    `The ledger runs at ${address}, its documentation is at ${address}/docs.`,
    `Webhooks have the same address, and their documentation at http://localhost:${ports.dispatcher}/docs.`,
    `API key: ${apiKey}`,
    '',
    'Five lines for one shell: Alice with 10.00 EUR, Bob, a transfer of 2.50 to him, his balance, his transfers.',
    '',
    ...ledgerLines(caller),
    '',
    ...(ports.receiver === undefined ? [] : webhookPart(caller, `http://127.0.0.1:${ports.receiver}/`)),
    'Ctrl-C stops it; the data stays.',
    '',
  ].join('\n');
}

interface Caller {
  readonly address: string;
  /** curl's arguments. */
  readonly key: string;
  readonly post: (path: string) => string;
}

function callerOf(address: string, apiKey: string): Caller {
  const key = `-H ${quoted(`Authorization: Bearer ${apiKey}`)}`;
  const json = `-H 'Content-Type: application/json'`;
  return { address, key, post: (path) => `curl -sS ${address}/v1/${path} ${key} ${json}` };
}

/**
 * Each line stands for itself but for the two ids. The transfer's key contains Alice's id, so the whole tour
 * can be pasted again, and its third line alone as well: that one answers as before and moves nothing.
 */
function ledgerLines({ address, key, post }: Caller): string[] {
  const id = `grep -o 'acc_[0-9a-z]*' | head -n 1`;
  return [
    `ALICE=$(${post('accounts')} -d '{"name":"Alice","currency":"EUR","openingBalance":"1000"}' | ${id}); echo "Alice is $ALICE"`,
    `BOB=$(${post('accounts')} -d '{"name":"Bob","currency":"EUR"}' | ${id}); echo "Bob is $BOB"`,
    `${post('transactions')} -H "Idempotency-Key: tour-$ALICE" -d '{"sender":"'$ALICE'","recipient":"'$BOB'","amount":"250","reference":"First transfer"}'; echo`,
    `curl -sS ${address}/v1/accounts/$BOB/balance ${key}; echo`,
    `curl -sSg "${address}/v1/transactions?filter[account]=$BOB&filter[reference]=first" ${key}; echo`,
  ];
}

function webhookPart(caller: Caller, receiver: string): string[] {
  return [
    `The same for webhooks; a receiver runs at ${receiver} and prints what it gets. An endpoint for it, whose`,
    'secret is shown this once and told to the receiver, a transfer of 1.00, its delivery, and what was received.',
    '',
    ...webhookLines(caller, receiver),
    '',
  ];
}

/** Pasted again they make another endpoint, and the receiver gets each event once for each of them. */
function webhookLines({ address, key, post }: Caller, receiver: string): string[] {
  const id = `$(echo "$HOOK" | grep -o 'whe_[0-9a-z]*' | head -n 1)`;
  return [
    `HOOK=$(${post('webhook-endpoints')} -d '{"url":"${receiver}","eventTypes":["transaction.*"]}'); echo "$HOOK"`,
    `curl -sS ${receiver}secrets -d "$HOOK"`,
    `${post('transactions')} -d '{"sender":"'$ALICE'","recipient":"'$BOB'","amount":"100","reference":"Told to a webhook"}'; echo`,
    `sleep 1; curl -sSg "${address}/v1/webhook-deliveries?filter[endpointId]=${id}" ${key}; echo`,
    `curl -sS ${receiver}`,
  ];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
