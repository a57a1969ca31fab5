package example;

import abacus.compute.v1.ComputeCompleted;
import abacus.compute.v1.ComputeRequested;
import io.smallrye.config.SmallRyeConfigBuilder;
import io.smallrye.reactive.messaging.kafka.reply.KafkaRequestReply;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.se.SeContainer;
import jakarta.enterprise.inject.se.SeContainerInitializer;
import jakarta.inject.Inject;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;
import org.eclipse.microprofile.config.spi.ConfigProviderResolver;
import org.eclipse.microprofile.reactive.messaging.Channel;

/**
 * The {@link KafkaRequestReply} of SmallRye and Quarkus with Apicurio's serializers: asks for the
 * square of a googol, and prints the reply as a line of JSON.
 *
 * <p>The emitter writes the headers {@code REPLY_CORRELATION_ID} and {@code REPLY_TOPIC}, its
 * defaults. Kafka, the registry and the topics are in {@code microprofile-config.properties}; in
 * Quarkus the same lines are in {@code application.properties}.
 */
@ApplicationScoped
public class Ask {
    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final String GOOGOL = "1" + "0".repeat(100);

    @Inject
    @Channel("requests")
    KafkaRequestReply<ComputeRequested, ComputeCompleted> requests;

    public static void main(String[] arguments) {
        // Avro instantiates the classes of trusted packages only.
        System.setProperty("org.apache.avro.SERIALIZABLE_PACKAGES", "abacus.compute.v1");
        // Quarkus reads its configuration by itself.
        ConfigProviderResolver.instance().registerConfig(
                new SmallRyeConfigBuilder().addDefaultInterceptors().addDefaultSources().build(),
                Ask.class.getClassLoader());
        try (SeContainer container = SeContainerInitializer.newInstance().initialize()) {
            System.out.println(container.select(Ask.class).get().ask());
        }
        // Threads of the serializers' client of the registry would keep the program alive.
        System.exit(0);
    }

    ComputeCompleted ask() {
        ComputeRequested request = ComputeRequested.newBuilder()
                .setRequestId(UUID.randomUUID().toString())
                .setOperation("pow")
                .setOperands(Map.of("base", GOOGOL, "exponent", "2"))
                .setSource("smallrye")
                .setRequestedAt(Instant.now())
                .build();
        return requests.request(request).await().atMost(TIMEOUT);
    }
}
