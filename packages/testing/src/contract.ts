/** For who writes an adapter: the suites that every store has to pass. They run in vitest, and with fast-check. */
export { blobsContract } from "./blobs-contract.js";
export type { Bench, ContractOptions, OpenStore, StoreSettings } from "./contract/bench.js";
export { storeContract } from "./contract/index.js";
export { agreementTest } from "./model/agreement.js";
export { type ModelOptions, modelTest } from "./model/index.js";
export { type LimitsOptions, limitsTest } from "./model/limits-story.js";
export { rerunTest } from "./model/rerunning.js";
export { type StoryOptions, storyTest, twinTest } from "./model/twins.js";
