import { statementCsv, type StatementCsvLine } from './statement-csv.js';

const line: StatementCsvLine = {
  id: 'evt_1.2',
  transactionId: 'txn_1',
  direction: 'credit',
  amount: '250',
  balanceAfter: '1000',
  entryNumber: 7,
  counterparty: 'acc_1',
  reference: 'Lunch',
  createdAt: '2026-01-02T03:04:05.000006Z',
  effectiveAt: '2026-01-01T00:00:00.000000Z',
};

async function* linesOf(...lines: readonly Partial<StatementCsvLine>[]): AsyncGenerator<StatementCsvLine> {
  for (const changes of lines) yield { ...line, ...changes };
}

async function textOf(lines: AsyncIterable<StatementCsvLine>): Promise<string> {
  let text = '';
  for await (const chunk of statementCsv(lines)) text += String(chunk);
  return text;
}

const header =
  'id,transactionId,direction,amount,balanceAfter,entryNumber,counterparty,reference,createdAt,effectiveAt';

describe('a statement as CSV', () => {
  it('has a header row, and a row for each line', async () => {
    expect(await textOf(linesOf({}, { amount: '3', direction: 'debit', balanceAfter: '997' }))).toBe(
      `${header}\r\n` +
        'evt_1.2,txn_1,credit,250,1000,7,acc_1,Lunch,2026-01-02T03:04:05.000006Z,2026-01-01T00:00:00.000000Z\r\n' +
        'evt_1.2,txn_1,debit,3,997,7,acc_1,Lunch,2026-01-02T03:04:05.000006Z,2026-01-01T00:00:00.000000Z\r\n',
    );
  });

  it('of nothing is the header row', async () => {
    expect(await textOf(linesOf())).toBe(`${header}\r\n`);
  });

  it.each<[string, Partial<StatementCsvLine>, string]>([
    ['a negative balance stays a number', { balanceAfter: '-250' }, ',250,-250,7,'],
    [
      'amounts of 36 digits stay as they are',
      { amount: '9'.repeat(36), balanceAfter: `-${'9'.repeat(36)}` },
      `,${'9'.repeat(36)},-${'9'.repeat(36)},7,`,
    ],
    ['nothing is an empty field', { reference: null, counterparty: null }, ',7,,,2026'],
    ['a comma', { reference: 'a,b' }, ',"a,b",2026'],
    ['a quote', { reference: 'the "one"' }, ',"the ""one""",2026'],
    ['a line break', { reference: 'a\nb' }, ',"a\nb",2026'],
    ['a carriage return', { reference: 'a\rb' }, ',"a\rb",2026'],
    ['any other text', { reference: 'Ünïcode 価格' }, ',Ünïcode 価格,2026'],
    ['=', { reference: '=HYPERLINK("http://x")' }, `,"'=HYPERLINK(""http://x"")",2026`],
    ['+', { reference: '+1+1' }, ",'+1+1,2026"],
    ['-', { reference: '-1+1' }, ",'-1+1,2026"],
    ['- and digits alone', { reference: '-5' }, ",'-5,2026"],
    ['@', { reference: '@SUM(A1)' }, ",'@SUM(A1),2026"],
    ['a tab', { reference: '\t=1' }, ",'\t=1,2026"],
    ['a carriage return before it', { reference: '\r=1' }, `,"'\r=1",2026`],
    ['a formula in full width', { reference: '＝1' }, ",'＝1,2026"],
    ['a minus inside', { reference: 'INV-1' }, ',INV-1,2026'],
  ])('%s', async (_, changes, part) => {
    expect(await textOf(linesOf(changes))).toContain(part);
  });

  it('reads lines as there is room for them', async () => {
    let read = 0;
    async function* endless() {
      for (;;) {
        read += 1;
        yield line;
      }
    }
    const csv = statementCsv(endless());
    let bytes = 0;
    for await (const chunk of csv) {
      bytes += String(chunk).length;
      if (bytes > 100_000) break;
    }
    // Some are on their way, in the buffers of two streams.
    expect(read).toBeLessThan(2_000);
    expect(csv.destroyed).toBe(true);
  });

  it('ends with the error that its lines end with', async () => {
    async function* failing() {
      yield line;
      throw new Error('the connection was lost');
    }
    await expect(textOf(failing())).rejects.toThrow('the connection was lost');
  });
});
