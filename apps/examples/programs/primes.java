// Prints the primes below a number as JSON: one source file, run as it is by `java primes.java NUMBER`.
import java.util.BitSet;
import java.util.stream.Collectors;

class Primes {
    public static void main(String[] arguments) {
        int below = Integer.parseInt(arguments[0]);
        BitSet isPrime = new BitSet();
        isPrime.set(2, Math.max(2, below));
        for (int n = 2; (long) n * n < below; n++) {
            if (!isPrime.get(n)) continue;
            for (long multiple = (long) n * n; multiple < below; multiple += n) isPrime.clear((int) multiple);
        }
        System.out.println("{\"jobbers\":\"heartbeat\",\"at\":\"sieved\"}");
        String list = isPrime.stream().mapToObj(String::valueOf).collect(Collectors.joining(","));
        System.out.println("{\"count\":" + isPrime.cardinality() + ",\"primes\":[" + list + "]}");
    }
}
