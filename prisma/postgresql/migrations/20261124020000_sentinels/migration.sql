-- CreateTable
CREATE TABLE "sentinel" (
    "id" SERIAL NOT NULL,
    "campaign_id" INTEGER NOT NULL,
    "route" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'sending',
    "sent_at" TIMESTAMP(3) NOT NULL,
    "back_at" TIMESTAMP(3),
    "came_by" TEXT,
    "reply" TEXT,

    CONSTRAINT "sentinel_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "sentinel_campaign_id_route_key" ON "sentinel"("campaign_id", "route");
