import { Body, Controller, Get, Post } from '@nestjs/common';
import { Access, Caller, ClientTokens, TokenKeys, tokenSecondsMax, type Principal } from '#access';
import { DtoPipe } from '#http';
import { Documented } from '../http/documented.js';
import { IssueClientTokenBody } from './client-token-bodies.js';

@Controller()
export class ClientTokensController {
  constructor(
    private readonly tokens: ClientTokens,
    private readonly keys: TokenKeys,
  ) {}

  @Documented({
    summary: 'Issue a client token',
    description:
      'A JWT for the app of one owner, used as Bearer. At each use it may do what both it and the issuing key may, ' +
      'and ends with that key. A key that is bound to an owner issues tokens of that owner.',
    answers: { 201: 'ClientTokenAnswer' },
  })
  @Post('v1/auth/client-tokens')
  @Access('keys:manage', { isForBoundKeys: true })
  async issue(@Body(DtoPipe) body: IssueClientTokenBody, @Caller() caller: Principal) {
    const { ownerId, scopes, ttlSeconds = tokenSecondsMax } = body;
    return { data: await this.tokens.issue(caller, { ownerId, scopes, ttlSeconds }) };
  }

  @Documented({
    summary: 'Get the public keys of client tokens',
    description: 'A JSON Web Key Set (RFC 7517); a token names its key by `kid`.',
    answers: { 200: 'JsonWebKeySet' },
    errors: ['unavailable'],
  })
  @Get('.well-known/jwks.json')
  @Access('open')
  async publicKeys() {
    return { keys: await this.keys.publicKeys() };
  }
}
