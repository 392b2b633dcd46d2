import { dag, Terminal, task } from "jobbers";
import { z } from "zod";

export const thumbnail = task({
  name: "thumbnail",
  input: z.object({ image: z.string(), width: z.int() }),
  retry: { attempts: 2, delay: "10ms" },
  run: async ({ image, width }) => {
    // Another try would not change that.
    if (width < 1) throw new Terminal(`${image} cannot be ${width} pixels wide`);
    return `${image}-${width}.webp`;
  },
});

const images = z.array(z.object({ image: z.string(), width: z.int() }));

export const gallery = dag("gallery", { input: z.object({ images }), failure: "continue" }, ({ images }) =>
  images.map((image) => thumbnail(image)),
);
