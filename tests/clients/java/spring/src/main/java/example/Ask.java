package example;

import abacus.compute.v1.ComputeCompleted;
import abacus.compute.v1.ComputeRequested;
import io.apicurio.registry.serde.avro.AvroKafkaDeserializer;
import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.listener.ContainerProperties;
import org.springframework.kafka.listener.KafkaMessageListenerContainer;
import org.springframework.kafka.requestreply.ReplyingKafkaTemplate;

/**
 * Spring's {@link ReplyingKafkaTemplate} with Apicurio's serializers: asks for the square of a googol.
 *
 * <p>Usage: {@code Ask none gzip snappy lz4 zstd}. Asks once for each named codec, and prints each
 * reply as a line of JSON. The template writes the headers {@code kafka_correlationId} and {@code
 * kafka_replyTopic}, its defaults.
 */
public final class Ask {
    private static final String REQUEST_TOPIC =
            setting("ABACUS_REQUEST_TOPIC", "abacus.compute.requested.v1");
    private static final String REPLY_TOPIC = setting("ABACUS_REPLY_TOPIC", "abacus.replies.example");
    private static final Duration TIMEOUT = Duration.ofSeconds(30);
    private static final String GOOGOL = "1" + "0".repeat(100);

    private Ask() {}

    public static void main(String[] codecs) throws Exception {
        // Avro instantiates the classes of trusted packages only.
        System.setProperty("org.apache.avro.SERIALIZABLE_PACKAGES", "abacus.compute.v1");
        for (String codec : codecs.length == 0 ? new String[] {"none"} : codecs) {
            System.out.println(ask(codec));
        }
        // Threads of the serializers' client of the registry would keep the program alive.
        System.exit(0);
    }

    private static ComputeCompleted ask(String codec) throws Exception {
        ComputeRequested request = ComputeRequested.newBuilder()
                .setRequestId(UUID.randomUUID().toString())
                .setOperation("pow")
                .setOperands(Map.of("base", GOOGOL, "exponent", "2"))
                .setSource("spring")
                .setRequestedAt(Instant.now())
                .build();
        var template = new ReplyingKafkaTemplate<>(producers(codec), replies());
        template.setDefaultReplyTimeout(TIMEOUT);
        try {
            template.start();
            // The position of the consumer must be known before the request is sent.
            if (!template.waitForAssignment(TIMEOUT)) {
                throw new IllegalStateException("no partition of " + REPLY_TOPIC);
            }
            var record = new ProducerRecord<>(REQUEST_TOPIC, request.getRequestId(), request);
            return template.sendAndReceive(record).get().value();
        } finally {
            template.destroy();
        }
    }

    private static DefaultKafkaProducerFactory<String, ComputeRequested> producers(String codec) {
        Map<String, Object> settings = kafka();
        settings.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, StringSerializer.class);
        settings.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, AvroKafkaSerializer.class);
        settings.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, codec);
        return new DefaultKafkaProducerFactory<>(settings);
    }

    /** A consumer of the reply topic. The group is unique, so this client gets every reply. */
    private static KafkaMessageListenerContainer<String, ComputeCompleted> replies() {
        Map<String, Object> settings = kafka();
        settings.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, StringDeserializer.class);
        settings.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, AvroKafkaDeserializer.class);
        var properties = new ContainerProperties(REPLY_TOPIC);
        properties.setGroupId("spring-" + UUID.randomUUID());
        return new KafkaMessageListenerContainer<>(
                new DefaultKafkaConsumerFactory<String, ComputeCompleted>(settings), properties);
    }

    /** Kafka, and the Confluent wire format with Apicurio's serializers. */
    private static Map<String, Object> kafka() {
        String registry = setting("ABACUS_REGISTRY_URL", "http://127.0.0.1:8081/apis/ccompat/v7");
        return new HashMap<>(Map.of(
                "bootstrap.servers", List.of(setting("ABACUS_KAFKA_BOOTSTRAP", "127.0.0.1:9092")),
                "apicurio.registry.url", registry.replace("/apis/ccompat/v7", "/apis/registry/v2"),
                "apicurio.registry.headers.enabled", false,
                "apicurio.registry.as-confluent", true,
                "apicurio.registry.use-id", "contentId",
                // A deploy step registers the schemas. A producer only looks up the latest one.
                "apicurio.registry.auto-register", false,
                "apicurio.registry.find-latest", true,
                // Decodes to the generated class instead of a generic record.
                "apicurio.registry.use-specific-avro-reader", true));
    }

    private static String setting(String name, String otherwise) {
        String value = System.getenv(name);
        return value == null || value.isEmpty() ? otherwise : value;
    }
}
