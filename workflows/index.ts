/** All workflow types of this product; the bundle is made from here. */
export { batch } from './batch.js';
export { generation } from './generation.js';
export { operate } from './operate.js';
export { reconcile } from './reconcile.js';
export { combineVideos, exportVideo } from './renditions.js';
export { selfTest } from './self-test.js';
export { settle } from './settle.js';
export { sweepStore } from './sweep-store.js';
export { videoJob } from './video-job.js';
