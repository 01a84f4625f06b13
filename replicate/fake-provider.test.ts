import { createFakeProvider } from './fake-provider.js';
import { describeVideoProvider } from './video-provider-contract.js';

describeVideoProvider('the fake provider', () => {
  const provider = createFakeProvider();
  return {
    provider,
    succeed: async (id) => provider.finish(id, { status: 'succeeded', output: new Uint8Array(1000) }),
  };
});
