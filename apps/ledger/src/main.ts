import 'reflect-metadata';
import { runApp } from '#platform';
import { readSettings } from './config.js';
import { startLedger } from './ledger-app.js';

await runApp('ledger', () => readSettings(), startLedger);
