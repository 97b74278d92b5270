-- AlterTable
ALTER TABLE "campaign" ADD COLUMN     "start_at" TIMESTAMP(3),
ADD COLUMN     "start_zone" TEXT;
