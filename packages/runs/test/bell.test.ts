import { describe, expect, it } from "vitest";
import { createBell } from "../src/bell.js";

describe("a bell", () => {
  it("remembers a ring that nobody slept through", async () => {
    const bell = createBell();
    bell.ring();
    await bell.sleep();
    const asleep = bell.sleep().then(() => "woken");
    expect(await Promise.race([asleep, Promise.resolve("asleep")])).toBe("asleep");
    bell.ring();
    expect(await asleep).toBe("woken");
  });

  it("ends with the signal's reason, and listens to it no longer than it sleeps", async () => {
    const bell = createBell();
    const controller = new AbortController();
    const asleep = bell.sleep(controller.signal);
    controller.abort(new Error("enough"));
    await expect(asleep).rejects.toThrow("enough");
    await expect(bell.sleep(controller.signal)).rejects.toThrow("enough");
  });

  it("stays broken once it was broken", async () => {
    const bell = createBell();
    const asleep = bell.sleep();
    bell.break(new Error("closed"));
    await expect(asleep).rejects.toThrow("closed");
    await expect(bell.sleep()).rejects.toThrow("closed");
  });
});
