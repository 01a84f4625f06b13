/** Imported for its effect, once in a process: tests that make activities fail on purpose do not fill the output. */
import { DefaultLogger, Runtime } from '@temporalio/worker';

Runtime.install({ logger: new DefaultLogger('ERROR') });
