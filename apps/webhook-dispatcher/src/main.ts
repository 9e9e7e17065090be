import 'reflect-metadata';
import { runApp } from '#platform';
import { readSettings } from './config.js';
import { startDispatcher } from './dispatcher-app.js';

await runApp('webhook-dispatcher', () => readSettings(), startDispatcher);
