import { type Follow, type Grant, locate, type Report } from "@jobbers/core";
import { expect } from "vitest";
import * as machine from "../machine/transitions.js";
import { allEntries } from "../paging.js";
import { Command } from "./command.js";
import { behind, type Holding, letGo, type Model, pick, type Real } from "./world.js";

/** Does a piece of control work, or only the first page of it. */
export const control = (at: number, wholly: boolean) =>
  new Command(`${wholly ? "do" : "begin"} control grant ${at}`, async (model, real) => {
    const holding = pick(
      real.held.filter(({ grant }) => grant.phase !== "run"),
      at,
    );
    if (!holding) return;
    if (holding.grant.phase === "expand") return expandSome(model, real, holding, wholly);
    const { grant, driver } = holding;
    const all = await driver.work.control(grant, driver.session.id);
    const sent = wholly ? all : all.slice(0, 1);
    if (sent.length === all.length) letGo(real, holding);
    const { run, step } = behind(model, grant);
    const counts = run.machine.state === "running";
    const { results } = await driver.exchange(sent);
    if (!counts) return expect(results).toEqual(sent.map(() => "stale"));
    // A cancel ends the first page's lease: there is no need for others.
    if (!run.machine.cancelling) expect(results).toEqual(sent.map(() => "accepted"));
    for (const each of sent) applyControl(model, grant, each);
    if (step.place !== "worker") letGo(real, holding);
  });

function applyControl(model: Model, grant: Grant, sent: Report): void {
  const { run, step } = behind(model, grant);
  if (sent.type === "advanced") machine.advance(run.machine, step, sent.follow);
  if (sent.type === "admitted") machine.admit(run.machine, step);
  if (sent.type === "skipped")
    machine.report(run.machine, step, "skipped", sent.follow, { reason: "condition" });
  if (sent.type === "entered") machine.enter(run.machine, step, sent.members, sent.onFailure, sent.entries);
}

async function expandSome(model: Model, real: Real, holding: Holding, wholly: boolean): Promise<void> {
  const { grant, driver } = holding;
  const { run, step } = behind(model, grant);
  const count = (await driver.work.listOf(grant)).length;
  if (count === 0) return expandNothing(model, real, holding);
  if (run.machine.state !== "running") return letGo(real, holding);
  const from = step.cursor;
  let cursor: number | undefined = from;
  do cursor = await driver.work.expandPage(grant, driver.session.id, cursor);
  while (wholly && cursor !== undefined);
  const to = cursor ?? count;
  const { step: map, indices } = locate(run.index, grant.lease.address);
  const instances = Array.from({ length: to - from }, (_, i) => [...indices, from + i]);
  const membersEach = run.index.members(map.name).length;
  const entries = instances.flatMap((each) => allEntries(run.index, map, each));
  machine.expand(run.machine, step, { count, membersEach, to }, entries);
  if (step.place !== "worker") letGo(real, holding);
}

async function expandNothing(model: Model, real: Real, holding: Holding): Promise<void> {
  const { grant, driver } = holding;
  const { run, step } = behind(model, grant);
  const [sent] = (await driver.work.control(grant, driver.session.id)) as [Report & { follow: Follow }];
  letGo(real, holding);
  const { results } = await driver.exchange([sent]);
  if (results[0] === "accepted") machine.report(run.machine, step, "succeeded", sent.follow);
}
