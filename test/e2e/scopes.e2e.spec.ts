import {
  Client,
  expectError,
  startService,
  type Account,
  type One,
  type Service,
} from '../support/client.js';

let service: Service;
let alice: Account;
let bob: Account;

beforeAll(async () => {
  service = await startService();
  alice = await service.client.open({ openingBalance: 100 });
  bob = await service.client.open();
});
afterAll(() => service.stop());

/** A client whose key has these scopes alone. */
async function clientWith(...scopes: string[]): Promise<Client> {
  const body = { name: 'Narrow', scopes };
  const made = await service.client.post<One<{ secret: string }>>('/v1/api-keys', body);
  expect([made.status, made.text]).toEqual([201, made.text]);
  return new Client(service.product.url, made.body.data.secret);
}

test('what a route asks for is asked of every key', async () => {
  const reader = await clientWith('accounts:read');
  expect((await reader.get(`/v1/accounts/${alice.id}`)).status).toBe(200);
  expectError(await reader.get('/v1/transactions'), 403, 'forbidden');
  expectError(await reader.post('/v1/accounts', { name: 'x', currency: 'EUR' }), 403, 'forbidden');
  reader.close();
});

test('money from and to ROOT needs mint and burn, whatever the route', async () => {
  const payer = await clientWith('transactions:write');
  const move = (sender: string, recipient: string) =>
    payer.post('/v1/transactions', { sender, recipient, amount: 1 });
  expect((await move(alice.id, bob.id)).status).toBe(201);
  expectError(await move('ROOT', bob.id), 403, 'forbidden');
  expectError(await move(bob.id, 'ROOT'), 403, 'forbidden');
  payer.close();
});

test('naming ROOT on its other side needs what that side needs', async () => {
  const [minter, burner] = [await clientWith('mint'), await clientWith('burn')];
  const mint = (client: Client) => client.post('/v1/mints', { recipient: 'ROOT', amount: 1 });
  const burn = (client: Client) => client.post('/v1/burns', { sender: 'ROOT', amount: 1 });
  expectError(await mint(minter), 403, 'forbidden');
  expectError(await burn(burner), 403, 'forbidden');
  expectError(await mint(service.client), 422, 'same_account');
  expectError(await burn(service.client), 422, 'same_account');
  minter.close();
  burner.close();
});

test('an opening balance needs mint; credit, freezing and opening again need admin', async () => {
  const opener = await clientWith('accounts:write');
  const open = (fields: object) => opener.post('/v1/accounts', { name: 'x', currency: 'EUR', ...fields });
  const patch = (fields: object) => opener.patch(`/v1/accounts/${bob.id}`, fields);
  expect((await open({ minBalance: 5 })).status).toBe(201);
  expectError(await open({ openingBalance: 1 }), 403, 'forbidden');
  expectError(await open({ minBalance: null }), 403, 'forbidden');
  expectError(await open({ minBalance: -1 }), 403, 'forbidden');
  expect((await patch({ name: 'Bobby' })).status).toBe(200);
  expectError(await patch({ minBalance: '-1' }), 403, 'forbidden');
  expectError(await patch({ status: 'frozen' }), 403, 'forbidden');
  opener.close();
});
