import { ChoiceField, TextField } from '#openapi';

export class CreateOrganizationBody {
  @TextField({ description: 'What it is called', example: 'Acme Payments' })
  name!: string;
}

export class CreateLedgerBody {
  @TextField({ description: 'What it is called', example: 'Wallets' })
  name!: string;

  @ChoiceField(['live', 'test'], { description: 'What its keys begin with', example: 'test' })
  mode!: 'live' | 'test';
}
