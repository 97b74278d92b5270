-- AlterTable
ALTER TABLE "intake" ADD COLUMN     "failing_since" TIMESTAMP(3);

-- CreateTable
CREATE TABLE "alert" (
    "id" SERIAL NOT NULL,
    "key" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "urgency" TEXT NOT NULL,
    "campaign_id" INTEGER,
    "lane_id" INTEGER,
    "at" TIMESTAMP(3) NOT NULL,
    "card" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'open',
    "acknowledged_at" TIMESTAMP(3),
    "acknowledged_by" TEXT,
    "settled_at" TIMESTAMP(3),
    "deputy_at" TIMESTAMP(3),

    CONSTRAINT "alert_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "alert_try" (
    "id" SERIAL NOT NULL,
    "alert_id" INTEGER NOT NULL,
    "road" TEXT NOT NULL,
    "target" TEXT NOT NULL,
    "deputy" BOOLEAN NOT NULL DEFAULT false,
    "state" TEXT NOT NULL DEFAULT 'waiting',
    "tries" INTEGER NOT NULL DEFAULT 0,
    "due_at" TIMESTAMP(3) NOT NULL,
    "sent_at" TIMESTAMP(3),
    "answer" TEXT,

    CONSTRAINT "alert_try_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "alert_key_key" ON "alert"("key");

-- CreateIndex
CREATE INDEX "alert_state_idx" ON "alert"("state");

-- CreateIndex
CREATE INDEX "alert_try_state_due_at_idx" ON "alert_try"("state", "due_at");

-- CreateIndex
CREATE UNIQUE INDEX "alert_try_alert_id_road_target_deputy_key" ON "alert_try"("alert_id", "road", "target", "deputy");

-- CreateIndex
CREATE INDEX "event_event_at_idx" ON "event"("event", "at");
