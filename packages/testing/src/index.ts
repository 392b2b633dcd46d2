/** For who tests workflows (`runDag` and a fake clock), or drives a store by hand; needs no test runner. */
export * from "./busy-store.js";
export * from "./check-all.js";
export * from "./driver.js";
export * from "./factories.js";
export * from "./fake-clock.js";
export * from "./faulty-store.js";
export type { Handler } from "./handler-calls.js";
export * from "./mortal-store.js";
export * from "./plans.js";
export * from "./random.js";
export * from "./run-dag.js";
export * as samplePlans from "./sample-plans.js";
export * from "./signals.js";
