/** What a person sees when everything runs: where, with which key, and five lines to paste into one shell. */
export function tour(port: number, apiKey: string): string {
  const address = `http://localhost:${port}`;
  return [
    '',
    `The ledger runs at ${address}, its documentation is at ${address}/docs.`,
    `API key: ${apiKey}`,
    '',
    'Five lines for one shell: Alice with 10.00 EUR, Bob, a transfer of 2.50 to him, his balance, his transfers.',
    '',
    ...tourLines(address, apiKey),
    '',
    'Ctrl-C stops it; the data stays.',
    '',
  ].join('\n');
}

/**
 * Each line stands for itself but for the two ids. The transfer's key contains Alice's id, so the whole tour
 * can be pasted again, and its third line alone as well: that one answers as before and moves nothing.
 */
function tourLines(address: string, apiKey: string): string[] {
  const key = `-H ${quoted(`Authorization: Bearer ${apiKey}`)}`;
  const json = `-H 'Content-Type: application/json'`;
  const post = (path: string): string => `curl -sS ${address}/v1/${path} ${key} ${json}`;
  const id = `grep -o 'acc_[0-9a-z]*' | head -n 1`;
  return [
    `ALICE=$(${post('accounts')} -d '{"name":"Alice","currency":"EUR","openingBalance":"1000"}' | ${id}); echo "Alice is $ALICE"`,
    `BOB=$(${post('accounts')} -d '{"name":"Bob","currency":"EUR"}' | ${id}); echo "Bob is $BOB"`,
    `${post('transactions')} -H "Idempotency-Key: tour-$ALICE" -d '{"sender":"'$ALICE'","recipient":"'$BOB'","amount":"250","reference":"First transfer"}'; echo`,
    `curl -sS ${address}/v1/accounts/$BOB/balance ${key}; echo`,
    `curl -sSg "${address}/v1/transactions?filter[account]=$BOB&filter[reference]=first" ${key}; echo`,
  ];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
