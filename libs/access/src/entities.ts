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

/** Of the secret only its SHA-256 is kept. */
@Entity({ schema: 'access', name: 'api_keys' })
export class ApiKey {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'ledger_id' })
  ledgerId!: string;

  @Column('text')
  name!: string;

  @Column('bytea', { name: 'secret_hash' })
  secretHash!: Buffer;

  @Column('text', { array: true })
  scopes!: string[];

  @Column('boolean', { name: 'is_bootstrap', nullable: true })
  isBootstrap!: boolean | null;
}
