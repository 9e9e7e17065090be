import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A closed book: its accounts and transactions never meet another ledger's. */
@Entity({ schema: 'access', name: 'ledgers' })
export class Ledger {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  name!: string;

  @Column('text')
  mode!: 'live' | 'test';

  /** True for the one that the bootstrap key opens, else null. */
  @Column('boolean', { name: 'is_first', nullable: true })
  isFirst!: boolean | null;
}

@Entity({ schema: 'access', name: 'api_keys' })
export class ApiKey {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'ledger_id' })
  ledgerId!: string;

  @Column('text')
  name!: string;

  /** Where processes of the release before look: of a key that was made by them and not changed since. */
  @Column('bytea', { name: 'secret_hash', nullable: true })
  legacySecretHash!: Buffer | null;

  @Column('text', { array: true })
  scopes!: string[];

  @Column('boolean', { name: 'is_bootstrap', nullable: true })
  isBootstrap!: boolean | null;
}

/** Of a secret its SHA-256 is kept; of one that signs also itself, encrypted. */
@Entity({ schema: 'access', name: 'api_key_secrets' })
export class ApiKeySecret {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'key_id' })
  keyId!: string;

  @Column('bytea', { name: 'secret_hash' })
  secretHash!: Buffer;

  @Column('bytea', { name: 'sealed_secret', nullable: true })
  sealedSecret!: Buffer | null;
}
