-- CreateTable
CREATE TABLE "provider_hold" (
    "provider" TEXT NOT NULL,
    "why" TEXT NOT NULL,
    "at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "provider_hold_pkey" PRIMARY KEY ("provider")
);
