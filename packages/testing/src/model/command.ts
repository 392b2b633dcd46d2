import type fc from "fast-check";
import { compare } from "./compare.js";
import type { Model, Real } from "./world.js";

type Act = (model: Model, real: Real) => Promise<void>;

/** Something that happens: it is done to the store and to the model, then both are compared. */
export class Command implements fc.AsyncCommand<Model, Real> {
  constructor(
    private readonly text: string,
    private readonly act: Act,
  ) {}

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    await this.act(model, real);
    await compare(model, real);
  }

  toString(): string {
    return this.text;
  }
}
