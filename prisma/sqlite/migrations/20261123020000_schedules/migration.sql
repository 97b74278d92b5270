-- AlterTable
ALTER TABLE "campaign" ADD COLUMN "start_at" DATETIME;
ALTER TABLE "campaign" ADD COLUMN "start_zone" TEXT;
