// Draws bars as an SVG picture, and prints it as JSON: one source file, run as it is by `java draw-chart.java TITLE VALUE TITLE VALUE …`.
// With JOURNAL it notes there that it has begun.
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

class DrawChart {
    public static void main(String[] arguments) throws IOException {
        noteInJournal();
        int count = arguments.length / 2;
        double most = 1;
        for (int i = 0; i < count; i++) most = Math.max(most, Double.parseDouble(arguments[2 * i + 1]));
        StringBuilder bars = new StringBuilder();
        for (int i = 0; i < count; i++) {
            System.out.println("{\"jobbers\":\"heartbeat\",\"at\":\"drawing\",\"done\":" + i + ",\"total\":" + count + "}");
            String title = escaped(arguments[2 * i]);
            String value = arguments[2 * i + 1];
            long width = Math.round(400 * Double.parseDouble(value) / most);
            int y = 24 * i;
            bars.append("<text x='190' y='" + (y + 16) + "' text-anchor='end'>" + title + "</text>");
            bars.append("<rect x='200' y='" + (y + 2) + "' width='" + width + "' height='18' fill='steelblue'/>");
            bars.append("<text x='" + (width + 205) + "' y='" + (y + 16) + "'>" + value + "</text>");
        }
        String size = "width='660' height='" + 24 * count + "'";
        String picture = "<svg xmlns='http://www.w3.org/2000/svg' font-family='sans-serif' font-size='14' " + size + ">" + bars + "</svg>";
        System.out.println('"' + picture.replace("\\", "\\\\").replace("\"", "\\\"") + '"');
    }

    private static String escaped(String text) {
        return text.replaceAll("\\p{Cntrl}", " ").replace("&", "&amp;").replace("<", "&lt;");
    }

    private static void noteInJournal() throws IOException {
        String journal = System.getenv("JOURNAL");
        if (journal == null) return;
        String line = System.getenv("JOBBERS_STEP") + " " + ProcessHandle.current().pid() + "\n";
        Files.writeString(Path.of(journal), line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }
}
