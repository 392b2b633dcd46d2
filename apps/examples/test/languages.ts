import { execFileSync } from "node:child_process";

/** True where `python3` runs here. */
export const hasPython = runs("python3", "--version");

/** True where `java` runs here and can compile, which it does with a source file. */
export const hasJava = runs("java", "-version") && runs("javac", "-version");

function runs(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
