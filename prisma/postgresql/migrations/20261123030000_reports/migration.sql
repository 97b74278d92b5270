-- AlterTable
ALTER TABLE "campaign" ADD COLUMN     "forgotten" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "suppression" ADD COLUMN     "note" TEXT,
ADD COLUMN     "template_class" TEXT NOT NULL DEFAULT '';

-- CreateTable
CREATE TABLE "report" (
    "id" SERIAL NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "intake" TEXT NOT NULL,
    "at" TIMESTAMP(3) NOT NULL,
    "received_at" TIMESTAMP(3) NOT NULL,
    "kind" TEXT NOT NULL,
    "action" TEXT,
    "recipient" TEXT,
    "reporter" TEXT,
    "reply" TEXT,
    "reason" TEXT,
    "fault" TEXT,
    "scope" TEXT,
    "hard" BOOLEAN NOT NULL DEFAULT false,
    "code" INTEGER,
    "enhanced" TEXT,
    "excerpt" TEXT,
    "campaign_id" INTEGER,
    "delivery_id" INTEGER,
    "attempt" INTEGER,
    "matched_by" TEXT,
    "effect" TEXT NOT NULL,
    "marks" TEXT,

    CONSTRAINT "report_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "intake" (
    "name" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'starting',
    "seen_at" TIMESTAMP(3),
    "brought_at" TIMESTAMP(3),
    "lag_ms" INTEGER,
    "trouble" TEXT,
    "place" TEXT,
    "told_at" TIMESTAMP(3),

    CONSTRAINT "intake_pkey" PRIMARY KEY ("name")
);

-- DropIndex
DROP INDEX "suppression_key_key";

-- CreateIndex
CREATE UNIQUE INDEX "suppression_key_template_class_key" ON "suppression"("key", "template_class");

-- CreateIndex
CREATE INDEX "suppression_campaign_id_idx" ON "suppression"("campaign_id");

-- CreateIndex
CREATE INDEX "delivery_relay_id_idx" ON "delivery"("relay_id");

-- CreateIndex
CREATE UNIQUE INDEX "report_key_key" ON "report"("key");

-- CreateIndex
CREATE INDEX "report_delivery_id_idx" ON "report"("delivery_id");

-- CreateIndex
CREATE INDEX "report_effect_id_idx" ON "report"("effect", "id");

-- CreateIndex
CREATE INDEX "report_received_at_idx" ON "report"("received_at");
