package example;

import abacus.compute.v1.ComputeCompleted;
import abacus.compute.v1.ComputeRequested;
import io.apicurio.registry.serde.SerdeConfig;
import io.apicurio.registry.serde.avro.AvroKafkaDeserializer;
import io.apicurio.registry.serde.avro.AvroKafkaSerdeConfig;
import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import io.apicurio.registry.serde.config.IdOption;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Requests a computation over Kafka and prints the reply.
 *
 * <p>Usage: {@code Produce OPERATION NAME=VALUE...}, such as {@code Produce factorial n=20}.
 *
 * <p>Kafka and the registry are those of {@code ABACUS_KAFKA_BOOTSTRAP} and {@code
 * ABACUS_REGISTRY_URL}, printed by {@code cargo xtask env}. The reply topic is created if missing.
 * Its name must match the processor's setting {@code ABACUS_REPLY_TOPICS}.
 */
public final class Produce {
    private static final String REPLY_TOPIC =
            setting("ABACUS_EXAMPLE_REPLY_TOPIC", "abacus.replies.example-java");
    private static final String REQUEST_TOPIC =
            setting("ABACUS_TOPIC_PREFIX", "") + "abacus.compute.requested.v1";
    private static final int REPLY_PARTITION = 0;
    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    private Produce() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length == 0) {
            System.err.println("usage: Produce OPERATION NAME=VALUE...");
            System.exit(2);
        }
        // Avro instantiates the classes of trusted packages only.
        System.setProperty("org.apache.avro.SERIALIZABLE_PACKAGES", "abacus.compute.v1");
        ComputeRequested request = request(arguments[0], Arrays.asList(arguments).subList(1, arguments.length));
        String correlationId = UUID.randomUUID().toString();
        createReplyTopic();
        Optional<ComputeCompleted> reply;
        try (Consumer<String, ComputeCompleted> replies = consumerAtEnd();
                Producer<String, ComputeRequested> producer = producer()) {
            producer.send(toRecord(request, correlationId)).get();
            reply = waitForReply(replies, correlationId);
        }
        if (reply.isEmpty()) {
            System.err.println("no reply within " + TIMEOUT.toSeconds() + " s");
            System.exit(1);
        }
        System.out.println(reply.get());
    }

    private static ComputeRequested request(String operation, List<String> operands) {
        Map<String, String> values = new HashMap<>();
        for (String operand : operands) {
            String[] parts = operand.split("=", 2);
            values.put(parts[0], parts.length == 2 ? parts[1] : "");
        }
        return ComputeRequested.newBuilder()
                .setRequestId(UUID.randomUUID().toString())
                .setOperation(operation)
                .setOperands(values)
                .setSource("example-java")
                .setRequestedAt(Instant.now())
                .build();
    }

    private static ProducerRecord<String, ComputeRequested> toRecord(
            ComputeRequested request, String correlationId) {
        ProducerRecord<String, ComputeRequested> record =
                new ProducerRecord<>(REQUEST_TOPIC, request.getRequestId(), request);
        record.headers()
                .add("correlation-id", correlationId.getBytes(StandardCharsets.UTF_8))
                .add("reply-topic", REPLY_TOPIC.getBytes(StandardCharsets.UTF_8))
                .add("reply-partition", ByteBuffer.allocate(4).putInt(REPLY_PARTITION).array());
        return record;
    }

    private static Optional<ComputeCompleted> waitForReply(
            Consumer<String, ComputeCompleted> replies, String correlationId) {
        Instant deadline = Instant.now().plus(TIMEOUT);
        while (Instant.now().isBefore(deadline)) {
            for (ConsumerRecord<String, ComputeCompleted> record : replies.poll(Duration.ofSeconds(1))) {
                Header header = record.headers().lastHeader("correlation-id");
                if (header != null
                        && correlationId.equals(new String(header.value(), StandardCharsets.UTF_8))) {
                    return Optional.of(record.value());
                }
            }
        }
        return Optional.empty();
    }

    private static void createReplyTopic() throws Exception {
        try (Admin admin = Admin.create(kafka())) {
            NewTopic topic = new NewTopic(REPLY_TOPIC, Optional.of(1), Optional.empty());
            admin.createTopics(List.of(topic)).all().get();
        } catch (ExecutionException error) {
            if (!(error.getCause() instanceof TopicExistsException)) {
                throw error;
            }
        }
    }

    /** A consumer of the replies. It starts at the current end and belongs to no group. */
    private static Consumer<String, ComputeCompleted> consumerAtEnd() {
        AvroKafkaDeserializer<ComputeCompleted> values = new AvroKafkaDeserializer<>();
        Map<String, Object> settings = registry();
        // Decodes to the generated class instead of a generic record.
        settings.put(AvroKafkaSerdeConfig.USE_SPECIFIC_AVRO_READER, true);
        values.configure(settings, false);
        KafkaConsumer<String, ComputeCompleted> consumer =
                new KafkaConsumer<>(kafka(), new StringDeserializer(), values);
        TopicPartition partition = new TopicPartition(REPLY_TOPIC, REPLY_PARTITION);
        consumer.assign(List.of(partition));
        consumer.seekToEnd(List.of(partition));
        // The seek is lazy. The position must be known before the request is sent.
        consumer.position(partition, TIMEOUT);
        return consumer;
    }

    private static Producer<String, ComputeRequested> producer() {
        AvroKafkaSerializer<ComputeRequested> values = new AvroKafkaSerializer<>();
        values.configure(registry(), false);
        Map<String, Object> settings = kafka();
        // Idempotence prevents duplicates by retries of the client.
        settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        settings.put(ProducerConfig.ACKS_CONFIG, "all");
        return new KafkaProducer<>(settings, new StringSerializer(), values);
    }

    private static Map<String, Object> kafka() {
        Map<String, Object> settings = new HashMap<>();
        settings.put(
                CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG,
                setting("ABACUS_KAFKA_BOOTSTRAP", "127.0.0.1:9092"));
        return settings;
    }

    /**
     * Settings for the Confluent wire format: a zero byte and the schema id in four bytes, before the
     * event. The Confluent-compatible interface of Apicurio counts schemas by content id.
     */
    private static Map<String, Object> registry() {
        String confluent =
                setting("ABACUS_REGISTRY_URL", "http://127.0.0.1:8081/apis/ccompat/v7");
        Map<String, Object> settings = new HashMap<>();
        settings.put(
                SerdeConfig.REGISTRY_URL, confluent.replace("/apis/ccompat/v7", "/apis/registry/v2"));
        settings.put(SerdeConfig.ENABLE_HEADERS, false);
        settings.put(SerdeConfig.ENABLE_CONFLUENT_ID_HANDLER, true);
        settings.put(SerdeConfig.USE_ID, IdOption.contentId.name());
        // A deploy step registers the schemas. A producer only looks up the latest one.
        settings.put(SerdeConfig.AUTO_REGISTER_ARTIFACT, false);
        settings.put(SerdeConfig.FIND_LATEST_ARTIFACT, true);
        return settings;
    }

    private static String setting(String name, String otherwise) {
        String value = System.getenv(name);
        return value == null || value.isEmpty() ? otherwise : value;
    }
}
