// Node-RED with the soak's probe in the same process. The probe is TypeScript; nothing else is loaded in another way.
import { createRequire } from 'node:module';
import { require as requireTypeScript } from 'tsx/cjs/api';

requireTypeScript('./probe.ts', import.meta.url);
createRequire(import.meta.url)('node-red/red.js');
