import { describe, expect, it } from "vitest";
import { concurrency, type QueueOptions, queueDefaultsOf, rate } from "../src/index.js";

describe("what code says of queues", () => {
  it("is told as a store takes it, limits with their names", () => {
    const crawl = {
      max: 10,
      limits: [rate({ limit: 5, per: "1s" }), concurrency({ limit: 20, name: "proxy" }), { concurrency: 3 }],
      tasks: { fetch: { limits: [rate({ limit: 1, per: "1m", burst: 4, cost: 2 })] } },
    };
    const isKeyed = false;
    expect(queueDefaultsOf({ crawl, mail: {} })).toEqual([
      {
        ...{ name: "crawl", max: 10 },
        limits: [
          {
            limits: [
              { name: "@crawl/rate", setting: { rate: 5, perMs: 1_000, burst: 1 }, isKeyed },
              { name: "proxy", setting: { concurrency: 20 }, isKeyed },
              { name: "@crawl/concurrency", setting: { concurrency: 3 }, isKeyed },
            ],
          },
          {
            task: "fetch",
            limits: [
              { name: "fetch@crawl/rate", setting: { rate: 1, perMs: 60_000, burst: 4 }, isKeyed, cost: 2 },
            ],
          },
        ],
      },
      { name: "mail", limits: [{ limits: [] }] },
    ]);
  });

  it.each<[unknown, string]>([
    [{ max: 0 }, 'queue "mail": max is 0'],
    [{ maximum: 3 }, 'queue "mail" has no option "maximum"; there are max,'],
    [[], 'queue "mail" is a list'],
    [{ limits: { rate: 1, per: "1s" } }, 'queue "mail": limits is'],
    [{ limits: [{ rate: 0, per: "1s" }] }, 'queue "mail": limits[0] allows 0 starts'],
    [{ limits: [{ concurrency: 1, key: () => "" }] }, 'queue "mail": limits[0] has a key'],
    [{ limits: [{ rate: 1, per: "1s", cost: () => 1 }] }, 'queue "mail": limits[0] has a cost that is'],
    [{ tasks: [] }, 'queue "mail": tasks is a list'],
    [{ tasks: { "a b": {} } }, 'queue "mail": task "a b" is not'],
    [{ tasks: { a: { max: 1 } } }, 'queue "mail": task "a" has no option "max"'],
    [{ tasks: { a: { limits: [{ concurrency: 0.5 }] } } }, 'queue "mail": tasks.a.limits[0] allows 0.5'],
  ])("refuses %j where it is declared", (options, says) => {
    expect(() => queueDefaultsOf({ mail: options as QueueOptions })).toThrow(says);
  });
});
