import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import {
  Access,
  AccessDatabase,
  Caller,
  createKey,
  deleteKey,
  findKey,
  listKeys,
  presentKey,
  rotateKey,
  updateKey,
  type KeyWithSecret,
  type Principal,
} from '#access';
import { decodeTypeId } from '#contracts';
import { DtoPipe } from '#http';
import { ListQuery, pageAnswer, pageErrors, readPageRequest } from '#openapi';
import { Documented } from '../http/documented.js';
import { pathKeyId } from '../http/ids.js';
import { CreateKeyBody, draftOf, RotateKeyBody, UpdateKeyBody } from './key-bodies.js';

@Controller('v1/api-keys')
export class ApiKeysController {
  constructor(private readonly database: AccessDatabase) {}

  @Documented({
    summary: 'Create an API key',
    description:
      'It opens the ledger of the key that makes it, and no other. Its secret is shown this once, which is why an ' +
      'Idempotency-Key does nothing here: no answer is kept to be repeated.',
    answers: { 201: 'ApiKeyWithSecretAnswer' },
  })
  @Post()
  @Access('keys:manage')
  async create(@Body(DtoPipe) body: CreateKeyBody, @Caller() caller: Principal) {
    return withSecret(await createKey(this.database, caller, draftOf(body)));
  }

  @Documented({
    summary: 'List API keys',
    description: 'Newest first; expired ones are among them, deleted ones are not.',
    answers: { 200: 'ApiKeyPage' },
    errors: pageErrors,
  })
  @Get()
  @Access('keys:manage')
  async list(@Query(DtoPipe) query: ListQuery, @Caller() { ledgerId }: Principal) {
    return pageAnswer(await listKeys(this.database, ledgerId, readPageRequest(query)), presentKey);
  }

  @Documented({
    summary: 'Get an API key',
    id: 'apiKey',
    answers: { 200: 'ApiKeyAnswer' },
    errors: ['not_found'],
  })
  @Get(':id')
  @Access('keys:manage')
  async get(@Param('id') id: string, @Caller() { ledgerId }: Principal) {
    return { data: presentKey(await findKey(this.database, ledgerId, pathKeyId(id))) };
  }

  @Documented({
    summary: 'Change an API key',
    description:
      'What is absent stays as it is. It holds within a second in every process. Refused (403) for a key that may ' +
      'do more than the caller’s, and for the bootstrap key, which the environment defines.',
    id: 'apiKey',
    answers: { 200: 'ApiKeyAnswer' },
    errors: ['not_found'],
  })
  @Patch(':id')
  @Access('keys:manage')
  async update(@Param('id') id: string, @Body(DtoPipe) body: UpdateKeyBody, @Caller() caller: Principal) {
    return { data: presentKey(await updateKey(this.database, caller, decodeTypeId('key', id), body)) };
  }

  @Documented({
    summary: 'Delete an API key',
    description:
      'It and all its secrets end for good, within a second in every process. A key may delete itself, and one ' +
      'that may do more; the bootstrap key can’t be deleted (403): it ends when BOOTSTRAP_API_KEY changes.',
    id: 'apiKey',
    answers: { 204: 'nothing' },
    errors: ['not_found'],
  })
  @Delete(':id')
  @HttpCode(204)
  @Access('keys:manage')
  async delete(@Param('id') id: string, @Caller() caller: Principal): Promise<void> {
    await deleteKey(this.database, caller, pathKeyId(id));
  }

  @Documented({
    summary: 'Give an API key a new secret',
    description:
      'The new one works at once; the one before it until the overlap is over. Refused as a change is. An ' +
      'Idempotency-Key does nothing here.',
    id: 'apiKey',
    answers: { 200: 'ApiKeyWithSecretAnswer' },
    errors: ['not_found'],
  })
  @Post(':id/rotate')
  @HttpCode(200)
  @Access('keys:manage')
  async rotate(
    @Param('id') id: string,
    @Body(DtoPipe) { overlapSeconds }: RotateKeyBody,
    @Caller() caller: Principal,
  ) {
    return withSecret(await rotateKey(this.database, caller, pathKeyId(id), overlapSeconds));
  }
}

function withSecret({ key, secret }: KeyWithSecret) {
  return { data: { ...presentKey(key), secret } };
}
